import { randomBytes, randomUUID } from 'node:crypto';
import { jwtLike } from './jwt-like.ts';
import type { Ledger } from './ledger.ts';
import { type Answer, hasMediaType, readJson, schemeValue } from './message.ts';
import { startVendor } from './start-vendor.ts';
import type { Definition, Endpoint, Vendor, VendorOptions } from './vendor.ts';

const mediaType = 'application/json-patch+json';

/**
 * Revolv3 ("Get Merchant Access Token"): clientId and clientSecret as application/json-patch+json, nothing else: no
 * grant type, no scope; members it does not know it ignores. The answer gives the lifetime twice, in seconds and as a
 * time with seven fractional digits. The page shows no errors: 415 and 401 are the vendor's, the bodies those of
 * RFC 9457.
 */
export async function startRevolv3(options: VendorOptions = {}): Promise<Vendor> {
  const client = {
    id: `merchant-${randomBytes(6).toString('hex')}`,
    secret: randomBytes(24).toString('base64'),
  };

  function define(ledger: Ledger): Definition {
    return {
      name: 'revolv3',
      tokenPath: '/api/Authentication/token',
      env: (url) => ({
        REVOLV3_URL: url,
        REVOLV3_CLIENT_ID: client.id,
        REVOLV3_CLIENT_SECRET: client.secret,
      }),
      error: problem,
      endpoints: createEndpoints(),
      authorize: (request) =>
        ledger.find(schemeValue(request, 'Bearer')) ?? {
          ...problem(401, 'Unauthorized'),
          headers: { 'WWW-Authenticate': 'Bearer' },
        },

      token(request) {
        if (!hasMediaType(request, mediaType)) return problem(415, 'Unsupported Media Type');
        const body = readJson(request);
        if (body === undefined) return problem(400, 'The body must be a JSON object.');
        const missing = ['clientId', 'clientSecret'].filter(
          (name) => typeof body[name] !== 'string' || body[name] === '',
        );
        if (missing.length > 0) {
          return problem(400, 'One or more validation errors occurred.', {
            errors: Object.fromEntries(missing.map((name) => [name, [`The ${name} field is required.`]])),
          });
        }
        if (body.clientId !== client.id || body.clientSecret !== client.secret)
          return problem(401, 'Unauthorized');
        const now = Math.floor(ledger.now() / 1000);
        const value = jwtLike({
          iss: 'https://login.example.com/v2.0',
          aud: client.id,
          iat: now,
          exp: now + ledger.lifetime,
        });
        const { expiresAt } = ledger.issue(value);
        return {
          status: 200,
          json: {
            token_type: 'Bearer',
            expires_in: ledger.lifetime,
            ext_expires_in: ledger.lifetime,
            access_token: value,
            isExpired: false,
            expirationTime: new Date(expiresAt).toISOString().replace('Z', '3678Z'),
          },
        };
      },
    };
  }

  return startVendor(3599, define, options);
}

/** A payment with an Idempotency-Key seen before is the same payment. */
function createEndpoints(): readonly Endpoint[] {
  const payments = new Map<string, unknown>();
  return [
    {
      method: 'GET',
      path: /^\/api\/invoices$/,
      answer: () => ({
        status: 200,
        json: { invoices: [{ invoiceId: 1001, total: 25.5, invoiceStatus: 'Paid' }], totalCount: 1 },
      }),
    },
    {
      method: 'POST',
      path: /^\/api\/payments$/,
      answer(request) {
        if (!hasMediaType(request, 'application/json')) return problem(415, 'Unsupported Media Type');
        const amount = readJson(request)?.amount;
        if (typeof amount !== 'number' || amount <= 0)
          return problem(400, 'amount must be a positive number.');
        const key = String(request.headers['idempotency-key'] ?? randomUUID());
        const payment = payments.get(key) ?? { paymentId: randomUUID(), amount, status: 'Succeeded' };
        payments.set(key, payment);
        return { status: 200, json: payment };
      },
    },
  ];
}

function problem(status: number, title: string, more: Readonly<Record<string, unknown>> = {}): Answer {
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json; charset=utf-8' },
    json: { title, status, ...more },
  };
}
