import type { Given } from './interpolate.ts';
import type { Path } from './problems.ts';
import { Secret } from './secret.ts';

const sections: readonly unknown[] = ['params', 'headers', 'assertion_claims'];

/**
 * What a placeholder gave, as a Secret, if it may be one where the schema has plain texts: everything that comes from a
 * file, and what goes into fields and parameters. URLs and names from the environment are none.
 */
export function sensitive({ value, files, variables }: Given, path: Path): Secret | undefined {
  // The first two keys are a section and a name.
  const [, , first, second] = path;
  const isSent =
    path.slice(2).some((key) => sections.includes(key)) || (first === 'attach' && second === 'value');
  return isSent || files.length > 0 ? new Secret(value, undefined, files, variables) : undefined;
}
