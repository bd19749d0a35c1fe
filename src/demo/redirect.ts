import type { Answer } from './message.ts';

/** `http://127.0.0.1:port/callback` and the same on [::1]; the name localhost is not among them (RFC 8252 §8.3). */
const loopback = /^http:\/\/(?:127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?\/callback$/;

/**
 * Whether a redirect URI is one of those registered, character by character (RFC 9700 §2.1), or a loopback address with
 * any port, which an app that logs in on a person's machine cannot know beforehand (RFC 8252 §7.3).
 */
export function isRegistered(uri: string, registered: readonly string[]): boolean {
  return registered.includes(uri) || (loopback.test(uri) && URL.canParse(uri));
}

/** Sends the browser back to the app. `uri` must be registered; `query` is encoded already. */
export function redirectTo(uri: string, query: string): Answer {
  return {
    status: 302,
    headers: {
      Location: `${uri}${uri.includes('?') ? '&' : '?'}${query}`,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
    },
  };
}
