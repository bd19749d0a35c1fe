import { describe, expect, test } from 'vitest';
import { presets } from '../../../src/provider/presets.ts';
import { resolveProvider } from '../../../src/provider/resolve.ts';
import { answered, clientCredentials, json, read, request } from './page.ts';

describe('realer-mqtt', () => {
  const fields = ['Authorization', 'Bearer device-token'];

  test('a credential is asked for with the token of the device, which says who asks', () => {
    const client = { id: 'unused', secret: 'unused' };
    expect(request('realer-mqtt', { params: { ...clientCredentials, scope: 'x' }, client, fields })).toEqual({
      method: 'POST',
      url: 'https://api.therealer.com/iot/v1/mqtt-credentials',
      headers: [...json, ['Authorization', 'Bearer device-token']],
      body: '{}',
    });
  });

  test('parameters of the credential go along', () => {
    const { body } = request('realer-mqtt', { fields, credentialParams: { device_id: 'd1' } });
    expect(body).toBe('{"device_id":"d1"}');
  });

  test('its answer is read, renewal hint included', () => {
    const body = {
      mqtt_client_id: 'c1',
      mqtt_username: 'u1',
      mqtt_credential: 'p1',
      expires_in: 900,
      renew_after: 600,
    };
    expect(read('realer-mqtt', 200, body).result).toEqual(
      answered({ accessToken: 'p1', lifetimeMs: 900_000, renewAfterMs: 600_000, warnings: [] }),
    );
  });

  test('it is not revoked by itself', () => {
    expect(resolveProvider('realer-mqtt', {}, presets).revoke).toBeUndefined();
  });
});
