import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { CupbearerError } from '../errors.ts';

export interface AdminEnv {
  Bindings: HttpBindings;
}

export interface GuardOptions {
  /** Whether a Host field names us. May throw CupbearerError. */
  readonly isAllowedHost: (field: string) => boolean;
  /** The listener is a Unix socket, whose permissions say who may connect. */
  readonly unixSocket: boolean;
}

/** What stands before everything of the admin listener that is more than a probe. Each throws CupbearerError. */
export interface Guards {
  /** For pages that other sites lead to: our own Host, and a browser on this machine or behind a proxy meant for it. */
  readonly local: MiddlewareHandler<AdminEnv>;
  /** For pages that start something: as `local`, and no other site may lead there. */
  readonly page: MiddlewareHandler<AdminEnv>;
  /** For what forms of our own pages start: as `page`, and the browser says that one of these sends it. */
  readonly form: MiddlewareHandler<AdminEnv>;
  /** For /api: on this machine, no proxy, and no web page can send the request. It needs the field `X-Cupbearer: 1`. */
  readonly api: MiddlewareHandler<AdminEnv>;
}

export function createGuards({ isAllowedHost, unixSocket }: GuardOptions): Guards {
  /** Gives the Host field. */
  const checkLocal = (c: Context<AdminEnv>): string => {
    const { incoming } = c.env;
    if (!unixSocket && !isLoopbackPeer(incoming.socket.remoteAddress)) {
      throw browserRefused('this is for connections from this machine only');
    }
    const [host, second] = incoming.headersDistinct.host ?? [];
    if (host === undefined || second !== undefined) {
      throw new CupbearerError('malformed-request', 'the request must have exactly one Host field');
    }
    // A name that somebody else's DNS leads to this machine is not ours.
    if (!isAllowedHost(host)) {
      throw new CupbearerError(
        'host-refused',
        'this Host is not served here; add its name to server.hosts if it should be',
      );
    }
    // Pages of any site have a browser do that, and it says Sec-Fetch-Site: none.
    if (isSpeculative(c)) throw browserRefused('this is not for prefetching; open it');
    return host;
  };
  /** As `checkLocal`. Of what a proxy forwards, only a name from server.hosts; the pages want more of it. */
  const checkPage = (c: Context<AdminEnv>): string => {
    const host = checkLocal(c);
    if (isForwarded(c) && isLoopbackHost(host)) throw browserRefused(forwardedMessage);
    return host;
  };
  const checkSite = (c: Context<AdminEnv>): void => {
    const host = checkPage(c);
    const site = c.req.header('sec-fetch-site') ?? 'none';
    const origin = c.req.header('origin');
    if ((site !== 'none' && site !== 'same-origin') || (origin !== undefined && !isOf(origin, host))) {
      throw browserRefused('another site led here; if that was meant, type the address into the browser');
    }
  };
  return {
    async local(c, next) {
      checkPage(c);
      await next();
    },
    async page(c, next) {
      checkSite(c);
      await next();
    },
    async form(c, next) {
      checkSite(c);
      const site = c.req.header('sec-fetch-site');
      // To a plain http address that is not loopback a browser says no more than the Origin.
      if (site === undefined ? c.req.header('origin') === undefined : site !== 'same-origin') {
        throw browserRefused('this is for a form of the page in a browser; commands use /api');
      }
      await next();
    },
    async api(c, next) {
      checkLocal(c);
      if (isForwarded(c)) throw browserRefused('requests that a proxy forwards are refused');
      if (c.req.header('origin') !== undefined || (c.req.header('sec-fetch-site') ?? 'none') !== 'none') {
        throw browserRefused('requests that a web page makes are refused');
      }
      if (c.req.header('x-cupbearer') !== '1') {
        throw browserRefused('send the field X-Cupbearer: 1');
      }
      await next();
    },
  };
}

/** Whether a browser asks for it before anybody wants to see it. */
function isSpeculative(c: Context<AdminEnv>): boolean {
  const purpose = c.req.header('purpose')?.trim().toLowerCase();
  return c.req.header('sec-purpose') !== undefined || purpose === 'prefetch';
}

const forwardingField = /^(?:forwarded|via|x-real-ip|x-forwarded(?:-.*)?)$/;

/** Whether a proxy says that it stands in front: whoever it lets through looks as if on this machine. */
export function isForwarded(c: Context<AdminEnv>): boolean {
  return Object.keys(c.env.incoming.headers).some((name) => forwardingField.test(name));
}

export const forwardedMessage =
  "a proxy forwards this; a login works through one only under the https address of the credential's redirect_uri, whose host is in server.hosts";

/** Whether a Host field names this machine by itself. */
export function isLoopbackHost(field: string): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(field);
}

/** Whether an Origin is that of pages under a Host; a proxy in front may have taken the TLS away. */
function isOf(origin: string, host: string): boolean {
  const [, scheme] = /^(https?):\/\//.exec(origin) ?? [];
  return scheme !== undefined && new URL(`${scheme}://${host}`).origin === origin;
}

/** Undefined once the connection is gone. */
function isLoopbackPeer(address: string | undefined): boolean {
  return address !== undefined && /^(?:(?:::ffff:)?127\.\d+\.\d+\.\d+|::1)$/.test(address);
}

function browserRefused(message: string): CupbearerError {
  return new CupbearerError('browser-refused', message);
}
