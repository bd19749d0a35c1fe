import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Ledger } from './ledger.ts';
import { type Answer, hasMediaType, readJson, schemeValue } from './message.ts';
import { startVendor } from './start-vendor.ts';
import type { Definition, Endpoint, Vendor, VendorOptions } from './vendor.ts';

export interface VbrickRevVendor extends Vendor {
  /** Configured in the Rev client. */
  readonly redirectUri: string;
  /** The code a user's login sends to the redirect URI. Good for one session. */
  approve(): string;
}

interface Session {
  readonly authCode: string;
  readonly userId: string;
  /** Milliseconds since the Unix epoch. */
  expiresAt: number;
}

const day = 86_400_000;
const videos = [
  { id: 'c6f1b0a2', title: 'Town hall', duration: '00:42:10' },
  { id: '9d3e77f4', title: 'Safety briefing', duration: '00:07:31' },
];

/**
 * Vbrick Rev ("OAuth Access Token Request"): JSON in camelCase, no client secret, `expiration` as a time, tokens sent
 * as `Authorization: VBrick <token>`. A session lasts until its `expiration` and is extended with a refresh token that
 * stays the same; each extension ends the access token before it ("the full authorization string must be recalculated").
 * The table calls authCode and redirectUri required for an extension too, but Vbrick's own client leaves them out: here
 * they may be missing, not wrong. The page names its errors without a body; `{code, detail}` is what Rev's client reads.
 */
export async function startVbrickRev(options: VendorOptions = {}): Promise<VbrickRevVendor> {
  const apiKey = randomBytes(8).toString('hex');
  const redirectUri = 'https://app.example.com/rev/callback';
  const firstRefreshToken = randomBytes(60).toString('base64url');
  const approvals = new Set<string>();
  const sessions = new Map<string, Session>();

  function define(ledger: Ledger): Definition {
    sessions.set(firstRefreshToken, {
      authCode: newCode(),
      userId: randomUUID(),
      expiresAt: ledger.now() + day,
    });

    function extend(refreshToken: string, session: Session): Answer {
      ledger.revokeWhere('session', refreshToken);
      const accessToken = randomBytes(84).toString('base64url');
      const { expiresAt } = ledger.issue(accessToken, { session: refreshToken, userId: session.userId });
      session.expiresAt = expiresAt;
      return {
        status: 200,
        json: {
          accessToken,
          refreshToken,
          userId: session.userId,
          expiration: new Date(expiresAt).toISOString(),
          issuedBy: 'VBrick',
        },
      };
    }

    return {
      name: 'vbrick-rev',
      tokenPath: '/api/v2/oauth/token',
      env: (url) => ({ REV_URL: url, REV_API_KEY: apiKey, REV_REFRESH_TOKEN: firstRefreshToken }),
      error: revError,
      endpoints,
      authorize: (request) =>
        ledger.find(schemeValue(request, 'VBrick')) ??
        revError(401, 'The session is not valid or has expired.'),

      token(request) {
        if (!hasMediaType(request, 'application/json'))
          return revError(415, 'The body must be application/json.');
        const body = readJson(request);
        if (body === undefined) return revError(400, 'The body must be a JSON object.');
        const extending = body.grantType === 'refresh_token';
        if (!extending && body.grantType !== 'authorization_code') {
          return revError(400, 'grantType must be authorization_code or refresh_token.');
        }
        for (const name of extending ? ['apiKey', 'refreshToken'] : ['apiKey', 'authCode', 'redirectUri']) {
          if (typeof body[name] !== 'string' || body[name] === '')
            return revError(400, `${name} is required.`);
        }
        if (body.apiKey !== apiKey) return revError(401, 'The API key is not valid.');
        if (body.redirectUri !== undefined && !isSameUri(String(body.redirectUri), redirectUri)) {
          return revError(401, 'redirectUri is not the configured one.');
        }
        if (!extending) {
          const authCode = String(body.authCode);
          if (!approvals.delete(authCode)) return revError(401, 'authCode is not valid.');
          const refreshToken = randomBytes(60).toString('base64url');
          const session = { authCode, userId: randomUUID(), expiresAt: 0 };
          sessions.set(refreshToken, session);
          return extend(refreshToken, session);
        }
        const refreshToken = String(body.refreshToken);
        const session = sessions.get(refreshToken);
        if (session === undefined || session.expiresAt <= ledger.now()) {
          sessions.delete(refreshToken);
          return revError(401, 'The session is not valid or has expired.');
        }
        if (body.authCode !== undefined && body.authCode !== session.authCode) {
          return revError(401, 'authCode is not valid.');
        }
        return extend(refreshToken, session);
      },
    };
  }

  return Object.assign(await startVendor(3600, define, options), {
    redirectUri,
    approve() {
      const code = newCode();
      approvals.add(code);
      return code;
    },
  });
}

const endpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: /^\/api\/v2\/user\/session$/,
    answer: (_request, token) => ({
      status: 200,
      json: { userId: token.facts.userId, expiration: new Date(token.expiresAt).toISOString() },
    }),
  },
  {
    method: 'GET',
    path: /^\/api\/v2\/videos$/,
    answer: () => ({ status: 200, json: { totalVideos: videos.length, videos } }),
  },
  {
    method: 'GET',
    path: /^\/api\/v2\/videos\/\w+\/download$/,
    answer({ query }) {
      const bytes = Math.max(0, Math.floor(Number(query.get('bytes') ?? 1024 * 1024))) || 0;
      return {
        status: 200,
        headers: { 'Content-Type': 'video/mp4', 'Content-Length': String(bytes) },
        stream: recording(bytes),
      };
    },
  },
  {
    method: 'POST',
    path: /^\/api\/v2\/uploads\/videos$/,
    streams: true,
    async answer({ incoming }) {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const piece of incoming as AsyncIterable<Buffer>) {
        hash.update(piece);
        bytes += piece.length;
      }
      return { status: 201, json: { videoId: randomUUID(), bytes, sha256: hash.digest('hex') } };
    },
  },
];

/** The first `bytes` bytes of a video of any length; the byte at offset n is n mod 256. */
export async function* recording(bytes: number): AsyncGenerator<Buffer> {
  const piece = Buffer.from(Array.from({ length: 65_536 }, (_, n) => n & 0xff));
  for (let left = bytes; left > 0; left -= piece.length)
    yield left < piece.length ? piece.subarray(0, left) : piece;
}

/** "This value must be URL encoded", yet the page's example is not: both are taken. */
function isSameUri(given: string, uri: string): boolean {
  return given === uri || given.toLowerCase() === encodeURIComponent(uri).toLowerCase();
}

function newCode(): string {
  return randomBytes(84).toString('base64url');
}

function revError(status: number, detail: string): Answer {
  const codes: Record<number, string> = { 400: 'BadRequest', 401: 'Unauthorized', 404: 'NotFound' };
  return { status, json: { code: codes[status] ?? 'Error', detail } };
}
