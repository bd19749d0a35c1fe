import type { Authorize } from '../provider/provider.ts';
import { type CredentialCheck, placeOf } from './credential-check.ts';
import type { Path } from './problems.ts';

const pkce = 'is made for each login; remove it, or write pkce: none for a login page that does not know it';

/** What a login stands on, and what to write instead of a parameter of that name (RFC 6749 §4.1.1, RFC 7636 §4.3). */
const ownParameters: Readonly<Record<string, string>> = {
  response_type: 'is code, the only one that is understood here; remove it',
  client_id: "is the credential's; write client_id there, and rename: { client_id: … } for another name",
  redirect_uri: 'is where the answer is waited for; write redirect_uri in the credential',
  state: 'is new for each login and checked when it comes back; remove it',
  code_challenge: pkce,
  code_challenge_method: pkce,
};

/** Tells what of a provider's login page would take the place of a parameter that a login stands on. */
export function checkLogin(check: CredentialCheck): void {
  const { authorize } = check.provider;
  if (authorize === undefined) return;
  for (const [own, path, atKey] of taken(authorize)) {
    const place = placeOf(check, ['authorize', ...path]);
    check.sections.tell(place, `${own} ${ownParameters[own]}`, { atKey });
  }
}

/** The parameters whose place something takes, and what does. */
function* taken(authorize: Authorize): Generator<[own: string, path: Path, atKey: boolean]> {
  const { url, params, rename, signature } = authorize;
  const vendorName = (name: string) => (Object.hasOwn(rename, name) ? (rename[name] ?? name) : name);
  const owners = new Map(Object.keys(ownParameters).map((name) => [vendorName(name), name]));
  for (const [name, value] of Object.entries(params)) {
    const own = owners.get(vendorName(name));
    if (own === undefined || (own === 'response_type' && value === 'code')) continue;
    yield [own, ['params', name], true];
  }
  for (const [name, other] of Object.entries(rename)) {
    const own = owners.get(other);
    if (own !== undefined && own !== name) yield [own, ['rename', name], false];
  }
  for (const key of ['param', 'text_param'] as const) {
    const own = signature && owners.get(signature[key]);
    if (own !== undefined) yield [own, ['signature', key], false];
  }
  for (const name of new URLSearchParams(/\?(.*)/s.exec(url)?.[1]).keys()) {
    const own = owners.get(name);
    if (own !== undefined) yield [own, ['url'], false];
  }
}
