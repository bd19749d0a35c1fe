import type { CheckedCredential } from '../../src/cli/online-result.ts';
import type { CheckedUpstream } from '../../src/cli/online-upstreams.ts';
import { configFile, cupbearer } from './config-file.ts';

export interface Online {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly ok: boolean;
  readonly credentials: readonly CheckedCredential[];
  readonly upstreams: readonly CheckedUpstream[];
}

/** `check --online --json` of a configuration text, and what it printed. */
export async function checkOnline(text: string, ...args: string[]): Promise<Online> {
  const file = configFile(text);
  try {
    const { code, out, err } = await cupbearer(['check', '--online', '--json', '-c', file.path, ...args]);
    return { code, out, err, ...JSON.parse(out === '' ? '{}' : out) };
  } finally {
    file.remove();
  }
}

/** The same for a person. */
export async function checkOnlineText(text: string, ...args: string[]) {
  const file = configFile(text);
  try {
    return await cupbearer(['check', '--online', '-c', file.path, ...args]);
  } finally {
    file.remove();
  }
}
