import { connect } from 'node:net';
import { call, newAgent, say, statuses, type Target } from './calls.ts';
import type { Kind } from './kinds.ts';

/** Faults of upstreams and of the token server. */
export const upstreamFaults: readonly Kind[] = [
  { name: '401 once', weight: 2, expected: ['200', '401'], run: refusedOnce },
  { name: '401 always', weight: 2, expected: ['401'], run: (target) => call(target, '/refused/refused') },
  {
    name: 'upstream resets before its head',
    weight: 2,
    expected: ['502'],
    run: (t) => call(t, '/api/reset-before'),
  },
  {
    name: 'upstream resets after its head',
    weight: 2,
    expected: ['cut'],
    run: (t) => call(t, '/api/reset-after-head'),
  },
  {
    name: 'upstream truncates its body',
    weight: 2,
    expected: ['cut'],
    run: (t) => call(t, '/api/truncated'),
  },
  {
    name: 'upstream never answers',
    weight: 2,
    expected: ['504'],
    run: (t) => call(t, '/impatient/black-hole'),
  },
  { name: 'upstream is not there', weight: 1, expected: ['502'], run: (t) => call(t, '/dead/x') },
  {
    name: 'token server fails or is slow',
    weight: 4,
    expected: ['200', '503'],
    run: (t) => call(t, '/flaky/x'),
  },
];

const wrongKey = (target: Target, headers: Readonly<Record<string, string>>) =>
  call({ ...target, key: 'a-wrong-key-of-some-length' }, '/api/x', { headers });

/** Faults of callers. */
export const callerFaults: readonly Kind[] = [
  {
    name: 'leaves before the answer',
    weight: 2,
    expected: ['left'],
    run: (t) => leave(t, 'GET', '/impatient/black-hole'),
  },
  { name: 'leaves in the answer', weight: 2, expected: ['left'], run: (t) => leave(t, 'GET', '/api/big') },
  { name: 'leaves in its body', weight: 2, expected: ['left'], run: (t) => leave(t, 'POST', '/api/echo') },
  { name: 'wrong key', weight: 2, expected: ['401', '429'], run: (target) => wrongKey(target, {}) },
  {
    name: 'wrong host',
    weight: 2,
    expected: ['421'],
    run: (t) => call(t, '/api/x', { headers: { host: 'evil.test' } }),
  },
  {
    name: 'web page',
    weight: 2,
    expected: ['403'],
    run: (t) => call(t, '/api/x', { headers: { origin: 'https://evil.test' } }),
  },
  { name: 'no route', weight: 1, expected: ['404'], run: (target) => call(target, '/nowhere') },
  { name: 'dot segments', weight: 1, expected: ['400'], run: (target) => call(target, '/api/%2e%2e/x') },
  { name: 'malformed', weight: 3, expected: ['400'], run: malformed },
  {
    name: 'body too large, announced',
    weight: 1,
    expected: ['413', 'EPIPE', 'ECONNRESET'],
    run: (t) => tooLarge(t, false),
  },
  {
    name: 'body too large, chunked',
    weight: 1,
    expected: ['413', 'EPIPE', 'ECONNRESET'],
    run: (t) => tooLarge(t, true),
  },
  {
    name: 'head too slow',
    weight: 1,
    expected: ['408 closed'],
    run: (t) => slow(t, 'GET /api/x HTTP/1.1\r\nHost: 127'),
  },
  {
    name: 'body too slow',
    weight: 1,
    expected: ['408 closed'],
    run: (t) => slow(t, `${postHead(t)}Content-Length: 10\r\n\r\nhalf`),
  },
  {
    name: 'chunked body too slow',
    weight: 1,
    expected: ['408 closed'],
    run: (t) => slow(t, `${postHead(t)}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`),
  },
  { name: 'takes nothing of its answer', weight: 0.3, expected: ['cut'], run: takesNothing },
];

let ids = 0;
function refusedOnce(target: Target): Promise<string> {
  return call(target, `/refused-once/refused-once?id=${++ids}`, {
    method: 'POST',
    body: Buffer.from('again'),
  });
}

const postHead = ({ key }: Target) => `POST /api/x HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: ${key}\r\n`;

/** Breaks off after some milliseconds, on a connection of its own. */
function leave(target: Target, method: string, path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(target.port, '127.0.0.1');
    const body = method === 'POST' ? 'Content-Length: 100000\r\n\r\nhalf' : '\r\n';
    socket.on('error', () => {});
    socket.on('close', () => resolve('left'));
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: ${target.key}\r\n${body}`);
    setTimeout(() => socket.destroy(), Math.random() * 300);
    socket.resume();
  });
}

const badHeads = [
  'GET /api/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET /api/x HTTP/1.1\r\n\r\n',
  'POST /api/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd',
  'POST /api/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: +4\r\n\r\nabcd',
  'POST /api/x HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd',
  'GET /api/x HTTP/1.1\r\nHost: 127.0.0.1\r\nX Y: 1\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
];

async function malformed({ port }: Target): Promise<string> {
  const head = badHeads[Math.floor(Math.random() * badHeads.length)] as string;
  const { text, closed } = await say(port, head, 10_000);
  const status = statuses(text);
  return closed ? status : `${status} open`;
}

async function tooLarge(target: Target, chunked: boolean): Promise<string> {
  const agent = newAgent();
  const outcome = await call({ ...target, agent }, '/small/x', {
    method: 'POST',
    body: Buffer.alloc(200_000),
    chunked,
  });
  agent.destroy();
  return outcome;
}

async function slow({ port }: Target, bytes: string): Promise<string> {
  const { text, closed } = await say(port, bytes, 10_000);
  return `${statuses(text)}${closed ? ' closed' : ''}`;
}

/** Reads nothing for three times server.send_timeout, then all there is. */
function takesNothing({ port, key }: Target): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let bytes = 0;
    const done = (outcome: string) => {
      clearTimeout(wake);
      clearTimeout(late);
      socket.destroy();
      resolve(outcome);
    };
    socket.write(`GET /api/huge HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: ${key}\r\n\r\n`);
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.pause();
    const wake = setTimeout(() => socket.resume(), 9_000);
    const late = setTimeout(() => done(`not cut, ${bytes} bytes`), 15_000);
    socket.on('error', ({ code }: NodeJS.ErrnoException) => done(code === 'ECONNRESET' ? 'cut' : `${code}`));
    socket.on('end', () => done(`ended, ${bytes} bytes`));
  });
}
