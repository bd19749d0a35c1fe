import { LRUCache } from 'lru-cache';

/** Counts the wrong keys of each peer. */
export interface WrongKeys {
  /** Notes a request without a right key; gives 0, or the ms after which the peer is heard again. */
  refused(address: string | undefined): number;
}

interface Bucket {
  /** Wrong keys that are still heard, as of `at`. */
  left: number;
  at: number;
}

const burst = 20;
const refillMs = 1_000;
const maxPeers = 1_024;

/** A token bucket for each peer: 20 wrong keys, and one more each second. `now` gives ms that never go back. */
export function countWrongKeys(now: () => number): WrongKeys {
  const buckets = new LRUCache<string, Bucket>({ max: maxPeers });
  return {
    refused(address) {
      const peer = peerOf(address);
      const at = now();
      const before = buckets.get(peer) ?? { left: burst, at };
      const left = Math.min(burst, before.left + (at - before.at) / refillMs);
      const isHeard = left >= 1;
      buckets.set(peer, { left: isHeard ? left - 1 : left, at });
      return isHeard ? 0 : Math.ceil((1 - left) * refillMs);
    },
  };
}

// This machine has 2^24 addresses for itself (RFC 1122 §3.2.1.3).
const loopback = /^(?:(?:::ffff:)?127\.|::1$)/;

/** Who counts as one peer: this machine, an IPv4 address, the /64 network of an IPv6 one, everyone on a Unix socket. */
function peerOf(address = 'unix'): string {
  if (loopback.test(address)) return 'loopback';
  if (!address.includes(':') || address.includes('.')) return address;
  const [front = '', back] = address.split('::');
  const groups = front.split(':');
  if (back === undefined) return groups.slice(0, 4).join(':');
  const behind = back.split(':');
  const zeros = Array.from({ length: 8 - groups.length - behind.length }, () => '0');
  return [...groups, ...zeros, ...behind].slice(0, 4).join(':');
}
