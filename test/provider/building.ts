import { CupbearerError } from '../../src/errors.ts';
import { presets } from '../../src/provider/presets.ts';
import type { ProviderSpec } from '../../src/provider/provider.ts';
import { buildTokenRequest, type TokenRequestInput } from '../../src/provider/request.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';

/* For the tests of requests: the token request of a provider as written down. */

export const url = 'https://id.acme.example/token';

export function build(spec: ProviderSpec, input: Partial<Omit<TokenRequestInput, 'provider'>> = {}) {
  const provider = resolveProvider('acme', { ...spec, token: { url, ...spec.token } }, presets);
  return buildTokenRequest({
    kind: 'token',
    params: { grant_type: 'client_credentials' },
    credentialParams: {},
    client: { id: 'me', secret: 's3cret' },
    placeholders: {},
    ...input,
    provider,
  });
}

export function field(request: ReturnType<typeof build>, name: string): string | undefined {
  return request.headers.find(([key]) => key.toLowerCase() === name)?.[1];
}

export function refusal(run: () => unknown): CupbearerError {
  try {
    run();
  } catch (error) {
    if (error instanceof CupbearerError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
