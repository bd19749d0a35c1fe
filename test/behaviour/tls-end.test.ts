import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { expect, it } from 'vitest';
import { certificate } from '../support/certificate.ts';
import { startCupbearer, tokenServer } from '../support/fixture.ts';
import { receive } from '../support/raw-caller.ts';

// RFC 9112 §9.8 would have it taken for incomplete; Node does not tell.
it('R10 takes an answer without a length for complete whose TLS ends without notice', async () => {
  const tls = certificate();
  const upstream = createTlsServer({ cert: tls.cert, key: tls.key }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nfirst half'));
  });
  upstream.listen(0, '127.0.0.1');
  const between: Socket[] = [];
  const relay = createServer((socket) => {
    const onward = connect((upstream.address() as AddressInfo).port, '127.0.0.1');
    between.push(socket, onward);
    socket.on('error', () => {}).pipe(onward, { end: false });
    onward.on('error', () => {}).pipe(socket, { end: false });
  });
  relay.listen(0, '127.0.0.1');
  await Promise.all([once(upstream, 'listening'), once(relay, 'listening')]);
  const tokens = await tokenServer('T');
  const proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes: { /u: { upstream: "https://localhost:${(relay.address() as AddressInfo).port}", credential: c, tls: { ca: "${tls.path}" } } }
`);
  const received = await receive(
    proxy.port,
    'GET /u/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    { seen: 'first half', onSeen: () => between[0]?.end() },
  );
  expect(received).toMatchObject({ status: 200, isWhole: true });
  for (const socket of between) socket.destroy();
  await proxy.stop();
  await tokens.close();
  relay.close();
  upstream.close();
  tls.remove();
});
