import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { HubConnection } from '@microsoft/signalr';
import { fetch } from 'undici';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type RevolutionVendor, startRevolution } from '../../src/demo/revolution.ts';
import { type Hub, HubConversation } from '../../src/demo/signalr-protocol.ts';
import { Connection } from '../../src/demo/signalr-transports.ts';
import { goodHubWork, type HubWay, hubConnection, hubWays, workWithHub } from '../support/hub.ts';
import { postJson } from './calls.ts';

let vendor: RevolutionVendor;
let bearer: { Authorization: string };
let url: string;
const connections: HubConnection[] = [];
beforeEach(async () => {
  vendor = await startRevolution();
  url = `${vendor.env.REVOLUTION_URL}/hubs/devices`;
  const { json } = await postJson(`${vendor.env.REVOLUTION_URL}/auth/token`, {
    grant_type: 'client_credentials',
    client_id: vendor.env.REVOLUTION_CLIENT_ID,
    client_secret: vendor.env.REVOLUTION_CLIENT_SECRET,
  });
  bearer = { Authorization: `Bearer ${json.access_token}` };
});
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.stop()));
  await vendor.close();
});

async function connect(way: HubWay, headers: Record<string, string> = bearer): Promise<HubConnection> {
  const connection = hubConnection(url, way, { headers });
  connections.push(connection);
  await connection.start();
  return connection;
}

const ask = async (method: string, path: string, headers: Record<string, string> = bearer, body?: string) => {
  const response = await fetch(`${url}${path}`, { method, headers, body: body ?? null });
  return { status: response.status, text: await response.text() };
};
const negotiate = async () => {
  const { text } = await ask('POST', '/negotiate?negotiateVersion=1');
  return JSON.parse(text) as { connectionToken: string; connectionId: string };
};
const shake = '{"protocol":"json","version":1}\x1e';

describe('the official client', () => {
  test.each(hubWays)('works by %s, every request with the bearer', async (way) => {
    const connection = await connect(way);
    expect(await workWithHub(connection)).toEqual(goodHubWork(expect.anything()));
    await connection.stop();
    expect(vendor.refusals).toBe(0);
    expect(vendor.seen.some(({ path }) => path.includes('/negotiate?'))).toBe(
      way !== 'WebSockets without negotiation',
    );
    expect(vendor.seen.some(({ status }) => status === 101)).toBe(way.startsWith('WebSockets'));
  });

  test.each(hubWays)('is refused by %s with no token, and with one in the query', async (way) => {
    await expect(connect(way, {})).rejects.toThrow();
    url += `?access_token=${bearer.Authorization.slice(7)}`;
    await expect(connect(way, {})).rejects.toThrow();
    expect(vendor.seen.slice(1).map(({ status }) => status)).not.toContain(200);
    expect(vendor.refusals).toBe(2);
  });

  test('hears what another one does, whatever carries either, until it leaves', async () => {
    const [one, two, other] = [
      await connect('LongPolling'),
      await connect('ServerSentEvents'),
      await connect('WebSockets'),
    ];
    const heard: string[] = [];
    for (const [name, connection] of Object.entries({ one, two })) {
      await connection.invoke('Subscribe', 'dev_2');
      connection.on('CommandQueued', ({ command }) => heard.push(`${name} ${command}`));
    }
    await other.invoke('SendCommand', 'dev_2', 'on');
    await expect.poll(() => [...heard].sort()).toEqual(['one on', 'two on']);
    await one.stop();
    await other.invoke('SendCommand', 'dev_2', 'off');
    await expect.poll(() => heard).toContain('two off');
    expect(heard).not.toContain('one off');
  });

  test('ends a stream when it wants no more of it', async () => {
    const connection = await connect('WebSockets');
    const first = await new Promise<number>((resolve, reject) => {
      const stream = connection.stream<number>('Readings', 1000, 1).subscribe({
        next: (reading) => {
          stream.dispose();
          resolve(reading);
        },
        complete: () => {},
        error: reject,
      });
    });
    expect(first).toBe(1);
    expect(await connection.invoke('Subscribe', 'dev_1')).toMatchObject({ id: 'dev_1' });
  });

  test('keeps a connection whose token has ended, and polls are refused then', async () => {
    const [socket, poll] = [await connect('WebSockets'), await connect('LongPolling')];
    const closed = new Promise((resolve) => poll.onclose(resolve));
    vendor.revokeAll();
    expect(await socket.invoke('Subscribe', 'dev_1')).toMatchObject({ id: 'dev_1' });
    await expect(poll.invoke('Subscribe', 'dev_1')).rejects.toThrow('401');
    await socket.invoke('SendCommand', 'dev_1', 'wake');
    await poll.stop();
    await closed;
  });
});

describe('negotiation', () => {
  test('gives an id for others and a token for the client itself', async () => {
    const { status, text } = await ask('POST', '/negotiate?negotiateVersion=1');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      connectionId: expect.any(String),
      connectionToken: expect.any(String),
      negotiateVersion: 1,
      availableTransports: [
        { transport: 'WebSockets', transferFormats: ['Text', 'Binary'] },
        { transport: 'ServerSentEvents', transferFormats: ['Text'] },
        { transport: 'LongPolling', transferFormats: ['Text', 'Binary'] },
      ],
    });
    const { connectionId, connectionToken } = await negotiate();
    expect(connectionId).not.toBe(connectionToken);
    expect((await ask('GET', `?id=${connectionId}`)).status).toBe(404);
    expect((await ask('GET', `?id=${connectionToken}`)).status).toBe(200);
  });

  test.each([
    ['', { negotiateVersion: 0, connectionId: expect.any(String) }],
    ['?negotiateVersion=7', { negotiateVersion: 1, connectionToken: expect.any(String) }],
    ['?negotiateVersion=x', { error: expect.any(String) }],
  ])('in version "%s" is answered in one that there is', async (query, members) => {
    const { status, text } = await ask('POST', `/negotiate${query}`);
    expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 200, ...members });
  });
});

describe('the hub', () => {
  test.each([
    ['a poll without a connection', 'GET', '', 400],
    ['a poll of an unknown connection', 'GET', '?id=nobody', 404],
    ['a message to an unknown connection', 'POST', '?id=nobody', 404],
    ['a message without a connection', 'POST', '', 400],
    ['another method', 'PUT', '?id=nobody', 405],
  ])('refuses %s', async (_title, method, query, status) => {
    expect((await ask(method, query)).status).toBe(status);
  });

  test.each(['GET', 'POST', 'DELETE'])('answers 401 to a %s without the bearer', async (method) => {
    const { connectionToken } = await negotiate();
    expect((await ask(method, `?id=${connectionToken}`, {})).status).toBe(401);
  });

  test('refuses a second transport and a second stream of one connection', async () => {
    const { connectionToken } = await negotiate();
    const events = { ...bearer, Accept: 'text/event-stream' };
    const stream = await fetch(`${url}?id=${connectionToken}`, { headers: events });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    expect((await ask('GET', `?id=${connectionToken}`, events)).status).toBe(409);
    expect((await ask('GET', `?id=${connectionToken}`)).status).toBe(400);
    expect((await ask('DELETE', `?id=${connectionToken}`)).status).toBe(400);
    await stream.body?.cancel();
    await expect.poll(async () => (await ask('POST', `?id=${connectionToken}`)).status).toBe(404);
  });

  test('answers the older of two polls with 204, and the last one when the connection is ended', async () => {
    const { connectionToken } = await negotiate();
    const query = `?id=${connectionToken}`;
    expect(await ask('GET', query)).toEqual({ status: 200, text: '' });
    const older = ask('GET', query);
    await expect.poll(() => vendor.seen.length).toBe(4);
    const newer = ask('GET', query);
    expect((await older).status).toBe(204);
    expect((await ask('DELETE', query)).status).toBe(202);
    expect((await newer).status).toBe(204);
    expect((await ask('POST', query)).status).toBe(404);
  });

  test('knows a connection no more when its WebSocket has ended', async () => {
    const { connectionToken } = await negotiate();
    const query = `?id=${connectionToken}`;
    const socket = new WebSocket(`${url.replace('http', 'ws')}${query}`, { headers: bearer });
    await new Promise((resolve) => socket.on('open', resolve));
    expect((await ask('GET', query)).status).toBe(400);
    expect((await ask('POST', query)).status).toBe(405);
    socket.close();
    await expect.poll(async () => (await ask('GET', query)).status).toBe(404);
  });

  test('tells a poller why it ends, then that it has ended, then nothing', async () => {
    const { connectionToken } = await negotiate();
    const query = `?id=${connectionToken}`;
    await ask('GET', query);
    await ask('POST', query, bearer, `${shake}x\x1e`);
    const why = '{"type":7,"error":"A message is not a JSON object."}\x1e';
    expect(await ask('GET', query)).toEqual({ status: 200, text: `{}\x1e${why}` });
    expect((await ask('POST', query)).status).toBe(404);
    expect((await ask('GET', query)).status).toBe(204);
    expect((await ask('GET', query)).status).toBe(404);
  });

  test('ends the connection of a handshake without the bearer with its 401', async () => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
    };
    const [response] = (await once(request(url, { headers }).end(), 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(401);
    expect(response.headers).toMatchObject({
      connection: 'close',
      'www-authenticate': 'Bearer error="invalid_token"',
    });
    expect(JSON.parse(await text(response))).toMatchObject({ error: 'invalid_token' });
  });

  test('cuts its WebSockets when the vendor closes', async () => {
    const socket = new WebSocket(url.replace('http', 'ws'), { headers: bearer });
    await new Promise((resolve) => socket.on('open', resolve));
    const closed = once(socket, 'close');
    await vendor.close();
    expect((await closed)[0]).toBe(1006);
  });

  test.each([
    ['another protocol', '{"protocol":"messagepack","version":1}\x1e', /'messagepack' is not available/],
    ['another version', '{"protocol":"json","version":2}\x1e', /Version 2/],
    ['no handshake', '{"type":6}\x1e', /'undefined' is not available/],
    ['no JSON', 'x\x1e', /not a JSON object/],
    ['a message too long', `${shake}{"type":6,"x":"${'x'.repeat(33_000)}`, /larger than 32768/],
    ['an answer that nobody asked for', `${shake}{"type":3,"invocationId":"1"}\x1e`, /no such invocation/],
  ])('closes after %s and says why', async (_title, sent, why) => {
    const socket = new WebSocket(url.replace('http', 'ws'), { headers: bearer });
    let received = '';
    socket.on('message', (data) => {
      received += String(data);
    });
    socket.on('open', () => socket.send(sent));
    const code = await new Promise((resolve) => socket.on('close', resolve));
    expect(code).toBe(1000);
    expect(received).toMatch(why);
  });

  test('answers one invocation after the other, and none that wants no answer', async () => {
    const socket = new WebSocket(url.replace('http', 'ws'), { headers: bearer });
    const received: string[] = [];
    socket.on('message', (data) => received.push(String(data)));
    await new Promise((resolve) => socket.on('open', resolve));
    const invoke = (target: string, args: string[], invocationId?: string) =>
      `${JSON.stringify({ type: 1, target, arguments: args, invocationId })}\x1e`;
    socket.send(
      [
        shake,
        invoke('Subscribe', ['dev_1'], 'a'),
        invoke('SendCommand', ['dev_1', 'on']),
        invoke('Nothing', []),
        invoke('SendCommand', ['dev_9', 'on'], 'b'),
      ].join(''),
    );
    const messages = () => received.join('').split('\x1e').filter(Boolean).slice(1);
    await expect.poll(messages).toHaveLength(3);
    expect(messages().map((text) => JSON.parse(text))).toEqual([
      { type: 3, invocationId: 'a', result: expect.objectContaining({ id: 'dev_1' }) },
      { type: 1, target: 'CommandQueued', arguments: [expect.objectContaining({ command: 'on' })] },
      { type: 3, invocationId: 'b', error: 'No such device.' },
    ]);
    socket.terminate();
  });

  test('takes a message in pieces, passes over what it does not know, and leaves when told to', async () => {
    const socket = new WebSocket(url.replace('http', 'ws'), { headers: bearer });
    const received: string[] = [];
    socket.on('message', (data) => received.push(String(data)));
    socket.on('open', () => {
      for (const piece of [
        shake.slice(0, 9),
        shake.slice(9),
        '{"type":99}\x1e{"type":6}\x1e',
        '{"type":7}\x1e',
      ])
        socket.send(piece);
    });
    await new Promise((resolve) => socket.on('close', resolve));
    expect(received.join('')).toBe('{}\x1e');
  });
});

describe('a conversation', () => {
  const sent: { type?: number }[] = [];
  let closed: number;
  let left: number;
  let signal: AbortSignal | undefined;
  let conversation: HubConversation;
  beforeEach(() => {
    closed = left = sent.length = 0;
    const hub: Hub = {
      methods: {},
      streams: {
        async *Endless(given) {
          signal = given;
          yield 1;
          await once(given, 'abort');
        },
      },
      left: () => void left++,
    };
    conversation = new HubConversation(hub, {
      write: (line) => sent.push(JSON.parse(line.slice(0, -1))),
      close: () => void closed++,
    });
    conversation.receive(`${shake}{"type":4,"invocationId":"s","target":"Endless","arguments":[]}\x1e`);
  });

  test('stops a stream that is cancelled and says that it is complete', async () => {
    await expect.poll(() => sent).toEqual([{}, { type: 2, invocationId: 's', item: 1 }]);
    conversation.receive('{"type":5,"invocationId":"other"}\x1e{"type":5,"invocationId":"s"}\x1e');
    await expect.poll(() => sent.at(-1)).toEqual({ type: 3, invocationId: 's' });
    expect([closed, left]).toEqual([0, 0]);
  });

  test.each([
    ['the client leaves', () => conversation.gone(), 0, 2],
    ['it is ended', () => conversation.end('why'), 1, 7],
    ['the client closes', () => conversation.receive('{"type":7}\x1e'), 1, 2],
  ])('stops its streams and leaves the hub once when %s', async (_title, end, closings, lastType) => {
    await expect.poll(() => sent).toHaveLength(2);
    end();
    conversation.gone();
    conversation.end();
    conversation.ping();
    expect([signal?.aborted, closed, left, sent.at(-1)?.type]).toEqual([true, closings, 1, lastType]);
  });
});

test('what is to be sent goes to the latest taker alone', async () => {
  const connection = new Connection({ methods: {}, streams: {}, left: () => {} }, () => {});
  const older = connection.take();
  const newer = connection.take();
  connection.receive(shake);
  expect(await Promise.all([older, newer])).toEqual([undefined, '{}\x1e']);
  connection.leave();
  expect(await connection.take()).toBeUndefined();
});

test('pings its clients, and forgets a connection that nobody fetches for', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const { connectionToken } = await negotiate();
    const socket = new WebSocket(url.replace('http', 'ws'), { headers: bearer });
    const received: string[] = [];
    socket.on('message', (data) => received.push(String(data)));
    await new Promise((resolve) => socket.on('open', resolve));
    socket.send(shake);
    await expect.poll(() => received).toEqual(['{}\x1e']);
    vi.advanceTimersByTime(15_000);
    await expect.poll(() => received[1]).toBe('{"type":6}\x1e');
    expect((await ask('POST', `?id=${connectionToken}`, bearer, '')).status).toBe(200);
    vi.advanceTimersByTime(15_000);
    expect((await ask('POST', `?id=${connectionToken}`, bearer, '')).status).toBe(404);
    socket.terminate();
  } finally {
    vi.useRealTimers();
  }
});
