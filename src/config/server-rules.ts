import { isLoopback, sameListener } from './reach.ts';
import type { ServerConfig } from './schema.ts';
import type { Sections } from './sections.ts';
import { resolveTls } from './tls.ts';

/** The listeners with the absolute paths of their TLS files; what is wrong with them is told. */
export function resolveServer(sections: Sections): ServerConfig | undefined {
  const { server, callers, tell } = sections;
  if (server === undefined) return undefined;
  const { listen, admin, tls } = server;
  if (
    listen.kind === 'tcp' &&
    !isLoopback(listen.host) &&
    callers.names.size === 0 &&
    !server.allow_anonymous &&
    tls?.client_ca === undefined
  ) {
    tell(
      ['server', 'listen'],
      'beyond loopback everyone on the network could use the credentials; listen on 127.0.0.1, add callers: or tls.client_ca, or set allow_anonymous: true',
    );
  }
  if (admin !== 'off' && sameListener(listen, admin)) {
    tell(['server', 'admin'], 'admin and listen are the same address; give admin another port, or write off');
  }
  if (tls === undefined) return server;
  const towards = { what: 'listeners', secure: true };
  return { ...server, tls: resolveTls(['server', 'tls'], tls, towards, sections) };
}
