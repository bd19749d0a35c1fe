import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, type Surroundings } from '../../src/cli/program.ts';

/** A directory with one configuration file in it; `remove` when done. */
export function configFile(text: string): { path: string; directory: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-cli-'));
  const path = join(directory, 'routes.yaml');
  writeFileSync(path, text, { mode: 0o600 });
  return { path, directory, remove: () => rmSync(directory, { recursive: true }) };
}

/** Runs a command line in this process and keeps what it writes. */
export async function cupbearer(args: readonly string[], env: Surroundings['env'] = {}) {
  let out = '';
  let err = '';
  const code = await run(args, {
    env,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}
