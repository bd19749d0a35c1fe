import { parseSize } from '../config/units.ts';
import { CupbearerError } from '../errors.ts';
import { type Command, type CommandInput, configOption } from './command.ts';
import type { RequestToExplain } from './explained-request.ts';
import { type Explanation, explain } from './explanation.ts';
import { scrubberOf } from './known-secrets.ts';
import { loadOrReport } from './load.ts';
import { plain } from './plain.ts';

export const command: Command = {
  usage: 'explain METHOD URL',
  summary: 'Says what becomes of a request: every decision, and what the upstream would get; sends nothing.',
  details: `
URL is a path such as '/realer/devices?limit=1', or the whole URL a caller would use, whose host is the Host field.
The data path itself decides, in a rehearsal that has no tokens and no way out. Without --caller, --no-key or a --header
with a key, it is left open who calls. A refusal is told with its status, its code, the detail that callers get, and
what to change. Exits with 1 when the request would be refused.

With --json, refused has status, code, detail, what_to_do, and problem, which is what callers get; decisions has step,
result (passed, refused or open) and detail. Names are stable, members may be added.`,
  options: {
    config: configOption,
    header: {
      type: 'string',
      short: 'H',
      value: "'NAME: VALUE'",
      multiple: true,
      description: 'A field of the request; may be given again and again',
    },
    caller: {
      type: 'string',
      value: 'NAME',
      description: 'Who calls: a key of callers, whose key is presented',
    },
    'no-key': { type: 'boolean', description: 'Whoever calls presents no key' },
    'body-size': {
      type: 'string',
      value: 'SIZE',
      description: 'The size of its body: bytes, or such as 10MiB',
    },
    upgrade: { type: 'boolean', description: 'It asks for a WebSocket' },
    json: { type: 'boolean', description: 'Print JSON' },
  },
  positionals: 2,
  run: explainCommand,
};

async function explainCommand(input: CommandInput): Promise<0 | 1 | 2> {
  const config = loadOrReport(input);
  if (config === undefined) return 2;
  const explanation = await explain(config, requestIn(input));
  const text =
    input.options.json === true ? `${JSON.stringify(explanation, null, 2)}\n` : render(explanation);
  input.out(scrubberOf(config).scrub(text));
  return 'refused' in explanation ? 1 : 0;
}

function requestIn({ positionals, options, lists }: CommandInput): RequestToExplain {
  const [method = '', url = ''] = positionals;
  const { caller, 'body-size': size } = options;
  const bodySize =
    typeof size !== 'string' ? undefined : /^\d{1,15}$/.test(size) ? Number(size) : parseSize(size);
  if (typeof size === 'string' && bodySize === undefined)
    throw new CupbearerError('usage', '--body-size is a number of bytes, or a size such as 64KiB or 10MiB');
  return {
    method: method.toUpperCase(),
    url,
    headers: lists.header ?? [],
    caller: typeof caller === 'string' ? caller : undefined,
    noKey: options['no-key'] === true,
    bodySize,
    upgrade: options.upgrade === true,
  };
}

function render(explanation: Explanation): string {
  const head = `${explanation.method} ${explanation.target}\n`;
  const lines = rowsOf(explanation).map(([name, text]) =>
    text === undefined ? '' : `  ${name.padEnd(12)}${wrapped(plain(text), 14)}\n`,
  );
  const decisions = explanation.decisions.map(
    ({ step, result, detail }) => `    ${step.padEnd(10)}${result.padEnd(10)}${plain(detail)}\n`,
  );
  return `${head}${lines.join('')}  decided\n${decisions.join('')}`;
}

const widest = 120;

/** The text in lines that are not too long for a terminal, each but the first indented. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > widest) {
      lines.push(line);
      line = word;
    } else {
      line += (line === '' ? '' : ' ') + word;
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}

function rowsOf(explanation: Explanation): [string, string | undefined][] {
  if ('answered' in explanation) {
    const { status, detail } = explanation.answered;
    return [['answered', `${status}: ${detail}`]];
  }
  if ('refused' in explanation) {
    const { status, code, detail, what_to_do } = explanation.refused;
    return [
      ['refused', `${status} ${code}: ${detail}`],
      ['what to do', what_to_do],
    ];
  }
  const { fields, callers, tenant_header } = explanation;
  return [
    ['route', explanation.route],
    ['upstream', explanation.upstream],
    [
      'credential',
      `${explanation.credential} (${explanation.grant_type} at provider ${explanation.provider})`,
    ],
    ['tenant', tenant_header && `named by the field ${tenant_header}, which the caller must send`],
    ['callers', callers && (callers.join(', ') || 'none')],
    ['injected', fields.injected.join(', ')],
    ['set', fields.set.join(', ') || undefined],
    ['removed', fields.removed.join(', ')],
  ];
}
