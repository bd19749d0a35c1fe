import type { Answer } from './answer.ts';
import { showsSecret } from './shows-secret.ts';

const depth = 3;
/** Names of members as people write them, so that no value that became a name is shown. */
const plainName = /^[A-Za-z_][A-Za-z_-]{0,31}$/;
const likely = /^(?:access|bearer|auth|id|api|session)?[_-]?(?:token|credential|jwt)$/i;
const tokenText = /^[\x21-\x7e]{8,}$/;

/** The dotted path of what is most likely the access token of an answer, for people; undefined when nothing looks like one. */
export function likelyPath(answer: Answer, secrets: readonly string[]): string | undefined {
  const found = pathsIn(answer, '', depth).filter((path) => !showsSecret(path, secrets));
  return found.find((path) => /access/i.test(path)) ?? found[0];
}

function pathsIn(value: object, before: string, left: number): string[] {
  const members = Object.entries(value).filter(([name]) => plainName.test(name));
  const own = members
    .filter(([name, text]) => likely.test(name) && typeof text === 'string' && tokenText.test(text))
    .map(([name]) => before + name);
  if (left === 1) return own;
  const inner = members.flatMap(([name, one]) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? pathsIn(one, `${before}${name}.`, left - 1)
      : [],
  );
  return [...own, ...inner];
}
