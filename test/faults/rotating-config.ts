import type { RotatingServer } from '../support/rotating-server.ts';

/** One session of `server` in the SQLite file `database`, routed at `/api`. `more` goes into the server section. */
export function rotatingConfig(server: RotatingServer, database: string, key: string, more: string): string {
  return `
server: { listen: "127.0.0.1:0", ${more} }
store: { url: "sqlite:${database}", key: "${key}" }
providers: { p: { token: { url: "${server.tokenUrl}" } } }
credentials:
  c:
    provider: p
    grant_type: refresh_token
    client_id: ${server.client.id}
    client_secret: ${server.client.secret}
    refresh_token: ${server.refreshToken}
routes: { /api: { credential: c, upstream: "${server.apiUrl}" } }
`;
}
