import { presets } from '../../src/provider/presets.ts';
import type { ProviderSpec } from '../../src/provider/provider.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import {
  readTokenAnswer,
  type TokenAnswer,
  type TokenRefusal,
  type TokenResponse,
} from '../../src/provider/response.ts';

/* For the tests of answers: a plain provider, and its token endpoint's answer read as a token or as a refusal. */

export const wallNow = Date.UTC(2025, 10, 17, 10, 45, 40);
const token = { url: 'https://id.acme.example/token' };
export const provider = (spec: ProviderSpec = {}) => resolveProvider('acme', { token, ...spec }, presets);

export function read(body: unknown, given: Partial<TokenResponse> = {}): TokenAnswer | TokenRefusal {
  return readTokenAnswer({
    provider: provider(),
    status: 200,
    contentType: 'application/json',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    wallNow,
    ...given,
  });
}

export function answer(body: unknown, given: Partial<TokenResponse> = {}): TokenAnswer {
  const result = read(body, given);
  if (!result.ok) throw new Error(result.detail);
  return result;
}

export function refusal(body: unknown, given: Partial<TokenResponse> = {}): TokenRefusal {
  const result = read(body, given);
  if (result.ok) throw new Error('a token was accepted');
  return result;
}
