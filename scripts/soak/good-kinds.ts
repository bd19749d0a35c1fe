import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { call, say, statuses, type Target, wholeBody } from './calls.ts';
import type { Kind } from './kinds.ts';
import { bigBytes, eventCount } from './upstream.ts';

const content = randomBytes(2 * 1024 * 1024);
const piece = (most: number) => content.subarray(0, 1 + Math.floor(Math.random() * most));
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a caller does that means well; all of it must succeed. */
export const goodKinds: readonly Kind[] = [
  { name: 'get', weight: 40, expected: ['200'], run: (target) => call(target, '/api/x') },
  { name: 'post', weight: 15, expected: ['200 echoed'], run: (target) => echo(target, piece(65_536), false) },
  {
    name: 'post chunked',
    weight: 5,
    expected: ['200 echoed'],
    run: (target) => echo(target, piece(65_536), true),
  },
  {
    name: 'upload 2 MiB',
    weight: 1,
    expected: ['200 echoed'],
    run: (target) => echo(target, content, Math.random() < 0.5),
  },
  { name: 'events', weight: 4, expected: ['all events'], run: events },
  { name: 'slow download 8 MiB', weight: 1, expected: ['all bytes'], run: slowDownload },
  { name: 'pipelining', weight: 2, expected: ['200 200 200'], run: pipelining },
  { name: 'tunnel', weight: 2, expected: ['echoed'], run: tunnel },
];

function echo(target: Target, body: Buffer, chunked: boolean): Promise<string> {
  return call(target, '/api/echo', {
    method: 'POST',
    body,
    chunked,
    read: async (response) => {
      const same = (await wholeBody(response)).equals(body);
      return `${response.statusCode} ${same ? 'echoed' : 'changed'}`;
    },
  });
}

function events(target: Target): Promise<string> {
  return call(target, '/api/events', {
    read: async (response) => {
      const count = (await wholeBody(response)).toString().split('data: ').length - 1;
      return count === eventCount ? 'all events' : `${response.statusCode}, ${count} events`;
    },
  });
}

function slowDownload(target: Target): Promise<string> {
  return call(target, '/api/big', {
    read: async (response) => {
      let bytes = 0;
      for await (const chunk of response) {
        bytes += chunk.length;
        if (Math.random() < 0.2) await later(10);
      }
      return bytes === bigBytes ? 'all bytes' : `${response.statusCode}, ${bytes} bytes`;
    },
  });
}

async function pipelining({ port, key }: Target): Promise<string> {
  const one = (more: string) => `GET /api/x HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: ${key}\r\n${more}\r\n`;
  const { text } = await say(port, one('') + one('') + one('Connection: close\r\n'), 10_000);
  return statuses(text);
}

function tunnel({ port, key }: Target): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/x`, { headers: { 'x-api-key': key } });
    const message = piece(65_536);
    let left = 3;
    let outcome = 'no echo';
    socket.on('open', () => socket.send(message));
    socket.on('message', (data) => {
      if (!message.equals(data as Buffer)) outcome = 'changed';
      else if (--left > 0) return socket.send(message);
      else outcome = 'echoed';
      return socket.close();
    });
    socket.on('error', (error) => resolve(error.message));
    socket.on('close', () => resolve(outcome));
  });
}
