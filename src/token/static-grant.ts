import type { CredentialConfig } from '../config/schema.ts';
import { renderAttach } from '../provider/attach.ts';
import type { Provider } from '../provider/provider.ts';
import { keyFields, keyName } from '../provider/static-key.ts';
import type { Clock } from './clock.ts';
import { inside } from './endpoint.ts';
import type { Grant } from './grant.ts';
import type { NoteSecret } from './live-secrets.ts';
import { endless } from './region.ts';
import { fingerprint, reread } from './secrets.ts';
import { hashOf } from './token.ts';

export interface StaticGrantInit {
  readonly config: CredentialConfig;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly note: NoteSecret;
}

/**
 * A key that is sent as the configuration has it. Nobody is asked, and it has no end: another comes when its source has
 * another, which is looked at whenever a key is wanted.
 */
export function createStaticGrant({ config, provider, clock, note }: StaticGrantInit): Grant {
  const name = keyName(provider) ?? 'access_token';

  function parts(): Record<string, string> {
    const [client_secret] = [config.client_secret ?? []].flat();
    return keyFields({
      access_token: config.token?.reveal(),
      client_id: config.client_id,
      client_secret: client_secret?.reveal(),
    });
  }

  return {
    timeoutMs: 10_000,
    irreplaceable: false,
    secrets: () => fingerprint(config),
    configured: (hash) => hash === hashOf(parts()[name] ?? ''),
    async request() {
      reread(config);
      try {
        const known = parts();
        const value = known[name] ?? '';
        const fields = renderAttach(provider, known);
        note(value);
        const since = { t0Mono: clock.mono(), t0Wall: clock.wall() };
        const lifetime = { lifetimeMs: endless.lifetimeMs, lifetimeKnown: true, renewAfterMs: undefined };
        return {
          granted: {
            value,
            fields,
            answer: {},
            ...lifetime,
            ...since,
            attempts: 0,
            warnings: [],
            stored: true,
          },
        };
      } catch (error) {
        return { failure: inside(error), secrets: fingerprint(config) };
      }
    },
  };
}
