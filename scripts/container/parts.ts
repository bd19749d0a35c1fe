/**
 * What stands around Cupbearer in `npm run container`; it runs in a container of the same image.
 *
 *   node parts.ts vendor       token endpoint and API on 127.0.0.1:9800
 *   node parts.ts get URL      a plain GET, as an app without OAuth makes it; prints status and body
 */
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

const [what, url] = process.argv.slice(2);

if (what === 'vendor') vendor();
else if (what === 'get' && url !== undefined) await get(url);
else throw new Error('usage: parts.ts vendor | parts.ts get URL');

/** Refresh tokens are good for one use, as `refresh-1`, `refresh-2`, …; access tokens are `plain-N` and `session-N`. */
function vendor(): void {
  const issued = { plain: 0, session: 0 };
  const wanted = `Basic ${Buffer.from('app:container-client-secret').toString('base64')}`;

  async function token(request: IncomingMessage): Promise<[number, object]> {
    const form = new URLSearchParams(await text(request));
    if (request.headers.authorization !== wanted) return [401, { error: 'invalid_client' }];
    const kind = form.get('grant_type') === 'refresh_token' ? 'session' : 'plain';
    if (kind === 'session' && form.get('refresh_token') !== `refresh-${issued.session + 1}`)
      return [400, { error: 'invalid_grant' }];
    const access = `${kind}-${++issued[kind]}`;
    const next = kind === 'session' ? { refresh_token: `refresh-${issued.session + 1}` } : {};
    return [200, { access_token: access, token_type: 'Bearer', expires_in: 3600, ...next }];
  }

  const server = createServer(async (request, response) => {
    const [status, body] =
      request.url === '/token'
        ? await token(request)
        : [200, { path: request.url, authorization: request.headers.authorization ?? null, issued }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(9800, '127.0.0.1', () => console.log('listening'));
  process.once('SIGTERM', () => process.exit(0));
}

async function get(address: string): Promise<void> {
  const response = await fetch(address, { signal: AbortSignal.timeout(5_000) });
  console.log(response.status, await response.text());
}
