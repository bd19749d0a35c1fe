import { suggestion } from '../config/suggest.ts';
import { CupbearerError } from '../errors.ts';
import { type GrantType, grantTypes } from '../provider/grant-type.ts';
import { presets } from '../provider/presets.ts';
import type { Provider } from '../provider/provider.ts';
import { grantTypesOf, resolveProvider } from '../provider/resolve.ts';

/** What a preset says of itself. */
export interface Vendor {
  readonly preset: string;
  /** Grants that it takes, the usual one first. */
  readonly grants: readonly [GrantType, ...GrantType[]];
  /** Whether a login sends a secret too. */
  readonly loginWithSecret: boolean;
  /** It has no token URL: a vendor without a preset. */
  readonly plain: boolean;
  /** People log in there, and the address is not known. */
  readonly wantsLoginUrl: boolean;
  /** The preset whose tokens its own are had with. */
  readonly lender?: string | undefined;
}

/** The preset of that name. Throws `usage` with the nearest one when there is none. */
export function vendorOf(preset: string): Vendor {
  const spec = Object.hasOwn(presets, preset) ? presets[preset] : undefined;
  if (spec === undefined) {
    const hint = suggestion(preset, Object.keys(presets)) || `; known: ${Object.keys(presets).join(', ')}`;
    const other = 'any other vendor is --provider oauth2 --token-url URL';
    throw new CupbearerError('usage', `there is no provider ${JSON.stringify(preset)}${hint}; ${other}`);
  }
  const provider = resolved(preset);
  const plain = preset === 'oauth2';
  const [first, ...others] = grantTypesOf(preset, spec, presets) ?? likelyGrants;
  const lent = first === 'client_credentials' && provider !== undefined && saysNobody(provider);
  return {
    preset,
    grants: [first ?? 'client_credentials', ...others],
    loginWithSecret: plain || provider?.exchange.client_auth.startsWith('client_secret') === true,
    plain,
    wantsLoginUrl: plain || provider?.authorize?.url === '',
    lender: lent ? spec.extends : undefined,
  };
}

/** What is offered for a vendor that may take any. */
const likelyGrants: readonly GrantType[] = ['client_credentials', 'authorization_code', 'refresh_token'];

/** Nothing in its token requests says who asks: the token of somebody else does. */
function saysNobody({ token }: Provider): boolean {
  return token.client_auth === 'none' && token.params.client_id === null;
}

/** A grant type, by its whole name or the last part of it. Throws `usage`. */
export function grantOf(given: string): GrantType {
  const found = grantTypes.find((grant) => grant === given || grant.endsWith(`:${given}`));
  if (found !== undefined) return found;
  throw new CupbearerError(
    'usage',
    `there is no grant type ${JSON.stringify(given)}${suggestion(given, grantTypes)}`,
  );
}

/** Undefined for a preset that leaves the token URL to whoever extends it, or needs none. */
function resolved(preset: string): Provider | undefined {
  try {
    return resolveProvider(preset, { extends: preset }, presets);
  } catch (error) {
    if (error instanceof CupbearerError) return undefined;
    throw error;
  }
}
