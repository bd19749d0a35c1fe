import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import { hasSession } from '../provider/grant-type.ts';
import { lookupIn, withOwn } from '../provider/params.ts';
import type { Provider } from '../provider/provider.ts';
import { endpointUrl } from '../provider/url.ts';

/** Where a credential asks for its tokens, for a person: without its query. Undefined when it asks nobody or has no address. */
export function shownTokenUrl(
  provider: Provider,
  { grant_type, client_id, params }: CredentialConfig,
  tenant: string | undefined,
): string | undefined {
  if (grant_type === 'static') return undefined;
  const { url } = hasSession(grant_type) ? provider.refresh : provider.token;
  try {
    const { origin, pathname } = new URL(
      endpointUrl(provider, url, withOwn(params, lookupIn({ client_id, tenant }))),
    );
    return origin + pathname;
  } catch (error) {
    if (error instanceof CupbearerError) return undefined;
    throw error;
  }
}
