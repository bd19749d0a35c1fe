import type { Config } from '../config/config.ts';
import { hasSession } from '../provider/grant-type.ts';
import type { SessionKey } from '../store/session.ts';
import { isTenant } from './tenants.ts';

/** How a person logs in: in a browser that comes back to us (RFC 6749 §4.1), or on another device (RFC 8628). */
export type LoginWay = 'browser' | 'device';

/** Why nobody can log in for this session in this way, and what to do; undefined when somebody can. */
export function loginFault(
  { credentials, providers }: Pick<Config, 'credentials' | 'providers'>,
  { credential: name, tenant }: SessionKey,
  way: LoginWay,
): string | undefined {
  const credential = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
  const provider = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (!credential || !provider) return `there is no credential ${JSON.stringify(name)}`;
  const say = (text: string) => `credential ${name} ${text}`;
  const section = `providers.${provider.name}`;
  if (!hasSession(credential.grant_type)) {
    return say(`has grant_type ${credential.grant_type}: it gets its tokens without a login`);
  }
  if (credential.tenant === undefined && tenant !== undefined) {
    return say('has no tenants: leave the tenant out');
  }
  if (credential.tenant !== undefined && tenant === undefined) {
    return say('has a session for each tenant: say which');
  }
  if (tenant !== undefined && !isTenant(tenant)) {
    return 'a tenant is 1 to 256 visible ASCII characters';
  }
  if (!credential.client_id) return say('has no client_id: write one, as registered with the provider');
  if (way === 'device') {
    if (provider.device_authorization) return undefined;
    return say(`cannot log in with a device code: ${section} has no device_authorization.url`);
  }
  if (provider.authorize?.url) return undefined;
  return say(`cannot log in: ${section} does not say where; write authorize.url there`);
}
