import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { curl, payment, plainCalls } from '../demo/app.ts';
import { hubTour } from '../demo/hub-tour.ts';
import { Narrator } from '../demo/narrator.ts';
import { sessionConfig, sessionTour } from '../demo/session-tour.ts';
import { prepare, tour } from '../demo/tour.ts';
import { startVendors, type Vendors } from '../demo/vendors.ts';
import { createLog } from '../telemetry/log.ts';
import type { Command, CommandInput } from './command.ts';
import { DemoInstance, demoConfig } from './demo-instance.ts';

export const command: Command = {
  usage: 'demo',
  summary:
    'Shows the proxy at work with the shipped routes.yaml and five simulated vendors, all on this machine.',
  details: `
Nothing leaves the machine and no account is needed; what is stored is removed at the end. Exits 0 when everything was
as promised.`,
  options: {
    stay: { type: 'boolean', description: 'Keep everything running afterwards, and show commands to try' },
    'vendors-only': {
      type: 'boolean',
      description: 'Only run the vendors, and print their addresses and clients as variables for a shell',
    },
  },
  positionals: 0,
  run: demo,
};

/** Seconds for which the simulated Revo Digital takes a refresh token again whose answer was lost; its page names none. */
const revoDigitalGrace = 30;

async function demo({ options, out }: CommandInput): Promise<0 | 1> {
  if (options['vendors-only'] === true) return vendorsOnly(out);
  const narrator = new Narrator((line) => out(`${line}\n`));
  let showLog = false;
  const log = createLog({
    level: 'info',
    format: 'pretty',
    colour: true,
    stream: { write: (line) => showLog && out(line) },
  });
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-demo-'));
  let vendors: Vendors | undefined;
  let instance: DemoInstance | undefined;
  try {
    vendors = await startVendors({ grace: revoDigitalGrace });
    prepare(vendors);
    instance = await DemoInstance.launch(demoConfig(vendors.env, directory, sessionConfig), log);
    narrator.say(`Cupbearer serves the shipped routes.yaml on ${instance.url};`);
    narrator.say(
      'five simulated vendors, each with its own idea of a token request, stand in for the real ones.',
    );
    await tour({ vendors, proxyUrl: instance.url, narrator });
    await sessionTour({ vendors, instance, narrator });
    await hubTour({ revolution: vendors.revolution, proxyUrl: instance.url, narrator });
    const { broken } = narrator;
    narrator.say(broken === 0 ? '\nEverything was as promised.' : `\n${broken} promises were not kept.`);
    if (options.stay === true) {
      narrator.say('\nStill running, until Ctrl+C. To try:\n');
      for (const line of commandsToTry(instance.url)) narrator.say(`  ${line}`);
      narrator.say('');
      showLog = true;
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    }
    return broken === 0 ? 0 : 1;
  } finally {
    await instance?.stop();
    await vendors?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs the vendors until a signal comes. */
async function vendorsOnly(out: CommandInput['out']): Promise<0> {
  const signal = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const vendors = await startVendors({ grace: revoDigitalGrace });
  try {
    const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
    out(
      Object.entries(vendors.env)
        .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
        .join(''),
    );
    await signal;
  } finally {
    await vendors.close();
  }
  return 0;
}

function commandsToTry(url: string): string[] {
  const calls = [...plainCalls, payment()].map((call) => curl(url, call));
  return [...calls, `curl -N '${url}/revolution/events?count=5&interval=500'`];
}
