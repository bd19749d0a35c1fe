import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { load } from '../config/load.ts';
import { curl, payment, plainCalls } from '../demo/app.ts';
import { prepare, tour } from '../demo/tour.ts';
import { startVendors, type Vendors } from '../demo/vendors.ts';
import { CupbearerError } from '../errors.ts';
import { presets } from '../provider/presets.ts';
import { createLog } from '../telemetry/log.ts';
import type { Command, CommandInput } from './command.ts';
import { type Running, start } from './start.ts';

export const command: Command = {
  usage: 'demo',
  summary:
    'Shows the proxy at work with the shipped routes.yaml and five simulated vendors, all on this machine.',
  details: `
Nothing leaves the machine and no account is needed. Exits 0 when everything was as promised.`,
  options: {
    stay: { type: 'boolean', description: 'Keep everything running afterwards, and show commands to try' },
  },
  positionals: 0,
  run: demo,
};

/** Lies beside src/ and beside dist/. */
const shippedRoutes = new URL('../../routes.yaml', import.meta.url);

async function demo({ options, out }: CommandInput): Promise<0 | 1> {
  const say = (line: string) => out(`${line}\n`);
  let showLog = false;
  const log = createLog({ level: 'info', pretty: true, stream: { write: (line) => showLog && out(line) } });
  let vendors: Vendors | undefined;
  let running: Running | undefined;
  try {
    vendors = await startVendors();
    prepare(vendors);
    running = await start(demoConfig(vendors), { log });
    say(`Cupbearer serves the shipped routes.yaml on ${running.url};`);
    say('five simulated vendors, each with its own idea of a token request, stand in for the real ones.');
    const broken = await tour({ vendors, proxyUrl: running.url, say });
    say(broken === 0 ? '\nEverything was as promised.' : `\n${broken} promises were not kept.`);
    if (options.stay === true) {
      say('\nStill running, until Ctrl+C. To try:\n');
      for (const line of commandsToTry(running.url)) say(`  ${line}`);
      say('');
      showLog = true;
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    }
    return broken === 0 ? 0 : 1;
  } finally {
    await running?.stop();
    await vendors?.close();
  }
}

/** The shipped configuration, its vendors on this machine, on a free port. */
function demoConfig({ env }: Vendors): Config {
  const { config, problems } = load(readFileSync(shippedRoutes, 'utf8'), {
    file: 'routes.yaml',
    env,
    presets,
  });
  if (config === undefined) {
    const what = problems.map(({ line, column, message }) => `routes.yaml:${line}:${column}: ${message}`);
    throw new CupbearerError('configuration-invalid', what.join('\n'));
  }
  return {
    ...config,
    server: { ...config.server, listen: { kind: 'tcp', host: '127.0.0.1', port: 0 }, admin: 'off' },
  };
}

function commandsToTry(url: string): string[] {
  const calls = [...plainCalls, payment()].map((call) => curl(url, call));
  return [...calls, `curl -N '${url}/revolution/events?count=5&interval=500'`];
}
