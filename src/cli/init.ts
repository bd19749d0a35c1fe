import { existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileReason } from '../config/interpolate.ts';
import { CupbearerError } from '../errors.ts';
import { presets } from '../provider/presets.ts';
import { type Command, type CommandInput, configFile, type ExitCode } from './command.ts';
import { insertEntries, readExisting } from './init-add.ts';
import { type Draft, entriesOf, rehearse, sectionsOf } from './init-draft.ts';
import { fillDraft, type Target } from './init-fill.ts';
import { missingIn, nextCommands } from './init-next.ts';
import type { Choose } from './init-question.ts';
import { converse, LeftEarly } from './init-terminal.ts';
import { type Vendor, vendorOf } from './init-vendor.ts';
import { plain } from './plain.ts';

const value = (name: string, description: string) => ({ type: 'string', value: name, description }) as const;

export const command: Command = {
  usage: 'init',
  summary: 'Writes a first routes.yaml for one vendor, or adds a vendor to it.',
  details: `
Asks on a terminal for what no option says; elsewhere what is not said stands in the file as an environment variable.
It never asks for a secret, nor writes one: only where it is. A vendor without a preset is --provider oauth2.`,
  options: {
    provider: value('PROVIDER', 'The vendor: a preset, or oauth2'),
    prefix: value('PREFIX', 'Path prefix of the calls. Default: /PROVIDER'),
    credential: value('NAME', 'Name of the credential. Default: that of the provider'),
    'grant-type': value('GRANT', 'How tokens are had. Default: what the provider is made for'),
    'client-id': value('ID', "The client id, or '${NAME}'"),
    'secret-env': value('VARIABLE', 'The environment variable with the secret'),
    'secret-file': value(
      'PATH',
      'The file with the secret; a relative path begins at the directory of routes.yaml',
    ),
    scope: value('SCOPE', 'Scope to ask for'),
    using: value('NAME', 'The credential whose token gets those of this one'),
    'base-url': value('URL', "Base URL of the account, in place of the provider's"),
    upstream: value('URL', 'Base URL of the API, where it is another'),
    'token-url': value('URL', 'Token URL of a vendor without a preset'),
    'authorize-url': value('URL', 'Login page of a vendor without a preset'),
    store: value('STORE', 'Where sessions are kept: sqlite:FILE, rediss://HOST:6379/0 or memory:'),
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      description: 'The file to write. Default: $CUPBEARER_CONFIG, else routes.yaml',
    },
    stdout: { type: 'boolean', description: 'Write to standard output instead' },
    add: { type: 'boolean', description: 'Add to the file; its comments and order stay' },
    force: { type: 'boolean', description: 'Replace a file that is there' },
  },
  positionals: 0,
  run: (input) => init(input, process),
};

/** Where questions are asked. */
interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
}

async function init(input: CommandInput, { stdin, stderr }: Terminal): Promise<ExitCode> {
  const { options, env, out, err } = input;
  const file = configFile({ options: { config: options.output }, env });
  if (typeof options.provider === 'string') vendorOf(options.provider);
  const existing = existingText(file, options);
  const person = stdin.isTTY && stderr.isTTY ? converse(stdin, stderr) : undefined;
  let draft: Draft;
  let vendor: Vendor;
  try {
    const choose: Choose = person?.choose ?? (async ({ suggested }) => suggested);
    if (person !== undefined && options.provider === undefined)
      err(`Vendors:\n${inColumns(Object.keys(presets))}`);
    vendor = await chosenVendor(options, person?.choose);
    draft = await fillDraft(vendor, options, targetOf(existing), choose);
  } catch (error) {
    if (!(error instanceof LeftEarly)) throw error;
    err('\ncupbearer: nothing was written\n');
    return 1;
  } finally {
    person?.end();
  }
  const text =
    existing === undefined ? newText(draft, vendor, file) : insertEntries(existing, entriesOf(draft));
  for (const { message } of existing === undefined ? rehearse(text) : [])
    throw new CupbearerError('usage', message);
  if (options.stdout === true) {
    out(text);
    return 0;
  }
  write(file, text, { replace: options.force === true || existing !== undefined });
  out(`Wrote ${file}: ${draft.prefix} with credential ${draft.credential} (${draft.grant}).\n`);
  const setting = { env, file };
  const { variables, files } = missingIn(text, setting);
  const missing = [
    ...variables.map((name) => `the environment variable ${name}`),
    ...files.map((path) => `the file ${path}`),
  ];
  // A file that is added to names what it likes.
  const listed = (lines: readonly string[]) => lines.map((line) => `  ${plain(line)}\n`).join('');
  if (missing.length > 0) out(`\nStill missing:\n${listed(missing)}`);
  out(`\nNext:\n${listed(nextCommands(draft, text, setting))}`);
  if (draft.store === undefined && existing === undefined && isSession(draft))
    err('cupbearer: warning: the session is lost with the process: there is no store\n');
  return 0;
}

/** The text to add to; undefined for a new file. Throws `usage` when a file is in the way. */
function existingText(file: string, { add, force, stdout }: CommandInput['options']): string | undefined {
  if (add === true) {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new CupbearerError(
        'usage',
        `cannot read ${file}: ${fileReason(error)}; without --add a new one is written`,
      );
    }
  }
  if (existsSync(file) && force !== true && stdout !== true)
    throw new CupbearerError('usage', `${file} is there already; --add adds to it, --force replaces it`);
  return undefined;
}

async function chosenVendor(
  { provider }: CommandInput['options'],
  choose: Choose | undefined,
): Promise<Vendor> {
  const names = Object.keys(presets);
  if (typeof provider === 'string') return vendorOf(provider);
  if (choose === undefined)
    throw new CupbearerError('usage', `which vendor? --provider NAME, one of: ${names.join(', ')}`);
  const fault = (answer: string) => {
    try {
      vendorOf(answer);
      return undefined;
    } catch (error) {
      return error instanceof CupbearerError ? error.message : String(error);
    }
  };
  return vendorOf(await choose({ text: 'Vendor; oauth2 is any other', suggested: 'oauth2', fault }));
}

/** Four to a line, indented. */
function inColumns(names: readonly string[]): string {
  const width = Math.max(...names.map(({ length }) => length)) + 2;
  return names
    .map((name, at) => (at % 4 === 3 ? `  ${name}\n` : `  ${name.padEnd(width)}`))
    .join('')
    .trimEnd()
    .concat('\n');
}

function targetOf(existing: string | undefined): Target {
  if (existing === undefined) {
    return { compose: (draft) => sectionsOf(entriesOf(draft)), hasStore: false, lenderOf: () => undefined };
  }
  return { ...readExisting(existing), compose: (draft) => insertEntries(existing, entriesOf(draft)) };
}

function newText(draft: Draft, vendor: Vendor, file: string): string {
  const others = vendor.grants.filter((grant) => grant !== draft.grant);
  const note = others.length === 0 ? '' : `   # or ${others.join(', ')}`;
  const schemas = ['routes.schema.json', 'node_modules/cupbearer/routes.schema.json'];
  const schema = schemas.find((path) => existsSync(join(dirname(file), path)));
  const editor =
    schema === undefined
      ? '# For editors: cupbearer schema > routes.schema.json, and as the first line here\n#   yaml-language-server: $schema=./routes.schema.json'
      : `# yaml-language-server: $schema=./${schema}`;
  const head = `${editor}
#
# A plain call under a prefix goes to that vendor with a valid token:
#
#   curl http://127.0.0.1:8080${draft.prefix}/…
#
# \${NAME} comes from the environment, \${NAME:-…} has a default, \${file:/path} is what is in a file. Secrets belong there, not
# here. \`cupbearer check\` says what is wrong.
`;
  return `${head}\n${sectionsOf(entriesOf(draft, note))}`;
}

/** All of it or nothing; a file that is there is left as it was until the new one is whole. Throws `usage`. */
function write(file: string, text: string, { replace }: { replace: boolean }): void {
  try {
    if (!replace || !existsSync(file)) {
      writeFileSync(file, text, { flag: 'wx', mode: 0o644 });
      return;
    }
    const target = realpathSync(file);
    const beside = `${target}.${process.pid}.new`;
    try {
      writeFileSync(beside, text, { flag: 'wx', mode: statSync(target).mode & 0o777 });
      renameSync(beside, target);
    } finally {
      rmSync(beside, { force: true });
    }
  } catch (error) {
    throw new CupbearerError('usage', `cannot write ${file}: ${fileReason(error)}`, { cause: error });
  }
}

function isSession({ grant }: Draft): boolean {
  return grant === 'authorization_code' || grant === 'refresh_token' || grant.endsWith(':device_code');
}
