import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';

/** Where and as whom the callers of a soak call. */
export interface Target {
  readonly port: number;
  readonly key: string;
  readonly agent: Agent;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Sends the body in pieces, without a Content-Length. */
  readonly chunked?: boolean;
  /** Reads the answer; resolves to the outcome. Default: its status, or `cut` when it breaks off. */
  readonly read?: (response: IncomingMessage) => Promise<string>;
}

export function newAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 128, scheduling: 'lifo' });
}

/** The whole body. Rejects when it breaks off. */
export async function wholeBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Calls and resolves to the outcome: a status, `cut` for an answer that broke off, or the code of an error. Never rejects. */
export function call({ port, key, agent }: Target, path: string, options: Call = {}): Promise<string> {
  const { method = 'GET', headers = {}, body, chunked = false, read } = options;
  const length = body === undefined || chunked ? {} : { 'content-length': `${body.length}` };
  return new Promise((resolve) => {
    const sent = request(
      { host: '127.0.0.1', port, path, method, agent, headers: { 'x-api-key': key, ...length, ...headers } },
      (response) => {
        const outcome = read?.(response) ?? wholeBody(response).then(() => `${response.statusCode}`);
        outcome.then(resolve, () => resolve('cut'));
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    if (body === undefined) sent.end();
    else if (chunked) {
      for (let at = 0; at < body.length; at += 65_536) sent.write(body.subarray(at, at + 65_536));
      sent.end();
    } else sent.end(body);
  });
}

/** Says `bytes` on a connection of its own; everything that comes until the other side closes, at most `ms`. */
export function say(port: number, bytes: string, ms: number): Promise<{ text: string; closed: boolean }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const done = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, closed });
    };
    const timer = setTimeout(done, ms, false);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => done(true));
    socket.write(bytes, 'latin1');
  });
}

/** The statuses of the answers in a text. */
export function statuses(text: string): string {
  return [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => status).join(' ');
}
