import { expect } from 'vitest';
import { renderAttach } from '../../../src/provider/attach.ts';
import { type AuthorizationInput, authorizationUrl } from '../../../src/provider/authorize.ts';
import { presets } from '../../../src/provider/presets.ts';
import type { ProviderSpec } from '../../../src/provider/provider.ts';
import {
  buildTokenRequest,
  type TokenHttpRequest,
  type TokenRequestInput,
} from '../../../src/provider/request.ts';
import { resolveProvider } from '../../../src/provider/resolve.ts';
import { readTokenAnswer, type TokenAnswer, type TokenRefusal } from '../../../src/provider/response.ts';

/* For the tests of the presets: the bytes of each vendor's page, what its example sends and what it answers. */

export const clientCredentials = { grant_type: 'client_credentials' };

export function request(
  name: string,
  input: Partial<TokenRequestInput>,
  spec: ProviderSpec = {},
): TokenHttpRequest {
  const provider = resolveProvider(name, spec, presets);
  return buildTokenRequest({
    kind: 'token',
    params: clientCredentials,
    credentialParams: {},
    client: {},
    placeholders: {},
    ...input,
    provider,
  });
}

/** The address of the login page, with its parameters. */
export function login(
  name: string,
  input: Omit<AuthorizationInput, 'provider' | 'timestamp'>,
  spec: ProviderSpec = {},
): { page: string; params: Record<string, string> } {
  const provider = resolveProvider(name, spec, presets);
  const url = new URL(authorizationUrl({ provider, timestamp: '2017-08-31T15:00:10.495Z', ...input }));
  return { page: url.origin + url.pathname, params: Object.fromEntries(url.searchParams) };
}

export function read(
  name: string,
  status: number,
  body: unknown,
  wallNow = Date.UTC(2025, 0, 1),
  contentType = 'application/json',
) {
  const provider = resolveProvider(name, { base_url: 'https://vendor.example' }, presets);
  const result = readTokenAnswer({
    provider,
    status,
    contentType,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    wallNow,
  });
  return { result, attach: result.ok ? renderAttach(provider, result.fields) : [] };
}

export const answered = (expected: Partial<TokenAnswer>) =>
  expect.objectContaining({ ok: true, ...expected });
export const refused = (expected: Partial<TokenRefusal>) =>
  expect.objectContaining({ ok: false, ...expected });

export const json: [string, string][] = [
  ['accept', 'application/json'],
  ['content-type', 'application/json'],
];
export const form: [string, string][] = [
  ['accept', 'application/json'],
  ['content-type', 'application/x-www-form-urlencoded'],
];
