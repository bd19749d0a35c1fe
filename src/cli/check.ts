import type { Config, Route } from '../config/config.ts';
import { type Command, configOption } from './command.ts';
import { environmentFaults } from './environment.ts';
import { scrubberOf } from './known-secrets.ts';
import { loadOrReport } from './load.ts';

export const command: Command = {
  usage: 'check',
  summary: 'Checks the configuration and lists its routes; sends nothing.',
  details: 'Exits with 2 when something is wrong; every problem is shown at once, with its line.',
  options: { config: configOption },
  positionals: 0,
  run(input) {
    const config = loadOrReport(input);
    for (const fault of environmentFaults(input.env))
      input.err(`cupbearer: warning: serve will not start: ${fault}\n`);
    if (config === undefined) return 2;
    const rows = config.routes.map((route) => [route.prefix, describeTarget(config, route)] as const);
    const width = Math.max(...rows.map(([prefix]) => prefix.length));
    const { scrub } = scrubberOf(config);
    for (const [prefix, target] of rows) input.out(scrub(`${prefix.padEnd(width)} → ${target}\n`));
    return 0;
  },
};

function describeTarget(config: Config, { upstream, credential }: Route): string {
  const grant = config.credentials[credential]?.grant_type ?? '';
  return `${upstream.origin}${upstream.base_path}  credential ${credential} (${grant})`;
}
