import { connect } from 'node:net';

/** What a caller received, and how its connection ended. */
export interface Received {
  readonly status: number;
  /** All bytes, latin1. */
  readonly text: string;
  readonly ending: 'fin' | 'reset' | 'timeout';
  /** Whether the answer's framing says that it is complete (RFC 9112 §6.3, §8). */
  readonly isWhole: boolean;
}

/**
 * Sends bytes and reads until the connection ends, at most `ms`. Once `seen` has come, `onSeen` is called, once.
 * The connection is half-closed after the bytes when `half` is set.
 */
export function receive(
  port: number,
  bytes: string | Buffer,
  options: { seen?: string; onSeen?: () => void; ms?: number; half?: boolean } = {},
): Promise<Received> {
  const { seen, onSeen, ms = 5_000, half = false } = options;
  return new Promise((resolve) => {
    let text = '';
    let isDue = onSeen !== undefined;
    const socket = connect(port, '127.0.0.1');
    const done = (ending: Received['ending']) => {
      clearTimeout(timer);
      socket.destroy();
      const status = Number(text.split(' ')[1] ?? 0);
      resolve({ status, text, ending, isWhole: isWhole(text, ending) });
    };
    const timer = setTimeout(() => done('timeout'), ms);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!isDue || !text.includes(seen ?? '')) return;
      isDue = false;
      onSeen?.();
    });
    socket.on('error', () => done('reset'));
    socket.on('end', () => done('fin'));
    if (half) socket.end(bytes);
    else socket.write(bytes);
  });
}

function isWhole(text: string, ending: Received['ending']): boolean {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return false;
  const head = text.slice(0, headEnd);
  const body = text.slice(headEnd + 4);
  if (/^transfer-encoding: chunked$/im.test(head)) return /(?:^|\r\n)0\r\n(?:[^\r]+\r\n)*\r\n$/.test(body);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  return length === undefined ? ending === 'fin' : body.length >= Number(length);
}
