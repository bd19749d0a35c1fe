import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientHttp2Stream } from 'node:http2';

const created = 'http2.client.stream.created';

/**
 * Has answers over HTTP/2 fail whose stream the upstream resets: Node ends a cancelled stream, and undici takes that for
 * the end of the answer. Gives the way to stop. A reset with NO_ERROR cannot be told from an end.
 */
export function failResetStreams(): () => void {
  const onCreated = (message: unknown) => {
    const { stream } = message as { readonly stream: ClientHttp2Stream };
    // Runs before undici's listener: that one is added once the stream is handed over.
    stream.once('end', () => {
      if (!stream.rstCode || stream.listenerCount('error') === 0) return;
      stream.emit('error', Object.assign(new Error('the stream was reset'), { code: 'UND_ERR_SOCKET' }));
    });
  };
  subscribe(created, onCreated);
  return () => unsubscribe(created, onCreated);
}
