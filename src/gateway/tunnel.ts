import type { Socket } from 'node:net';
import type { Watch, Watched } from './watch.ts';

/** What ended a tunnel. */
export type TunnelEnd = 'caller' | 'upstream' | 'idle' | 'shutdown';

export interface TunnelInit {
  readonly caller: Socket;
  readonly upstream: Socket;
  /** Milliseconds without a byte in either direction after which it is cut. */
  readonly idleMs: number;
  readonly watch: Watch;
  readonly draining: () => boolean;
  /** Called once, when both connections are done with or cut. */
  readonly onEnd: (end: TunnelEnd) => void;
}

/** While we stop, a tunnel that has been quiet for this long ends. */
const quietMs = 1_000;
/** When one direction has ended, the other must not be silent for longer than this, ms. */
const lingerMs = 30_000;

/**
 * Two connections joined after a 101 (RFC 9110 §7.8): bytes pass both ways with back-pressure, an end of one direction is
 * passed on as that, and what breaks one connection breaks the other.
 */
class Tunnel implements Watched {
  readonly #init: TunnelInit;
  readonly #place: number;
  #end: TunnelEnd | undefined;
  #open = 2;
  #bytes = 0;
  #movedAt: number | undefined;

  constructor(init: TunnelInit) {
    this.#init = init;
    this.#place = init.watch.enter(this);
    this.#join(init.caller, init.upstream, 'caller');
    this.#join(init.upstream, init.caller, 'upstream');
  }

  check(now: number): void {
    const { caller, upstream, idleMs, draining } = this.#init;
    const bytes = caller.bytesRead + upstream.bytesRead;
    if (this.#movedAt === undefined || bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#movedAt = now;
    }
    const still = now - this.#movedAt;
    if (still > (this.#end === undefined ? idleMs : Math.min(idleMs, lingerMs))) this.cut('idle');
    else if (still > quietMs && draining()) this.cut('shutdown');
  }

  /** Ends both connections at once. */
  cut(end: TunnelEnd): void {
    this.#end ??= end;
    this.#init.caller.destroy();
    this.#init.upstream.destroy();
    this.#over();
  }

  #over(): void {
    if (this.#open === 0 || this.#end === undefined) return;
    this.#open = 0;
    this.#init.watch.leave(this.#place);
    this.#init.onEnd(this.#end);
  }

  #join(from: Socket, to: Socket, side: 'caller' | 'upstream'): void {
    from.once('end', () => {
      this.#end ??= side;
    });
    // Whatever broke it, its end follows.
    from.on('error', () => {});
    from.once('close', () => {
      this.#end ??= side;
      // When both have ended there is something left to send at most; otherwise nobody is left to talk to.
      if (!from.readableEnded || !to.readableEnded) to.destroy();
      if (this.#open > 1) this.#open--;
      else this.#over();
    });
    from.pipe(to);
  }
}

/** The open tunnels. */
export interface Tunnels {
  open(init: TunnelInit): void;
  /** Ends them all at once. */
  cut(): void;
}

export function createTunnels(): Tunnels {
  const all = new Set<Tunnel>();
  return {
    open(init) {
      const onEnd = (end: TunnelEnd) => {
        all.delete(tunnel);
        init.onEnd(end);
      };
      const tunnel = new Tunnel({ ...init, onEnd });
      all.add(tunnel);
    },
    cut() {
      for (const tunnel of all) tunnel.cut('shutdown');
    },
  };
}
