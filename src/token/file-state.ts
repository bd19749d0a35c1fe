import { stat } from 'node:fs/promises';

/**
 * What tells two states of a file apart, or `missing`. Never rejects. Follows links, so that a link put in another's place
 * shows (Kubernetes swaps a directory that way); what was copied with its times, or has become readable, shows too.
 */
export async function stateOf(path: string): Promise<string> {
  try {
    const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true });
    return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
  } catch {
    return 'missing';
  }
}
