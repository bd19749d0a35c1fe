import { BlockList, isIP } from 'node:net';
import type { Address } from './schema-types.ts';

/** Whether a host (as in a URL or an address, brackets or not) can only be this machine. */
export function isLoopback(host: string): boolean {
  const name = bare(host);
  return name === 'localhost' || name.endsWith('.localhost') || contains(loopback, name);
}

/** Whether a host is a link-local address or the metadata service of a cloud: nothing a route may lead to. */
export function isLinkLocal(host: string): boolean {
  const name = bare(host);
  return name === 'metadata.google.internal' || contains(linkLocal, name);
}

/** Whether an IPv6 address stands for an IPv4 one (RFC 4291 §2.5.5.2), which checks on IPv4 addresses would miss. */
export function isMappedIpv4(host: string): boolean {
  return /^::ffff:/i.test(bare(host));
}

/** Whether a connection to `host:port` from this machine can reach the listener at `address`. */
export function reaches(address: Address | 'off', host: string, port: number): boolean {
  if (address === 'off' || address.kind !== 'tcp' || address.port === 0 || address.port !== port)
    return false;
  const own = bare(address.host);
  const name = bare(host);
  if (isWildcard(own)) return isWildcard(name) || isLoopback(name);
  if (isWildcard(name)) return isLoopback(own);
  return addressesOf(own).some((one) => addressesOf(name).includes(one));
}

/** Whether both addresses want the same socket. */
export function sameListener(a: Address, b: Address): boolean {
  if (a.kind === 'unix') return b.kind === 'unix' && a.path === b.path;
  if (b.kind === 'unix' || a.port === 0 || a.port !== b.port) return false;
  if (isWildcard(bare(a.host)) || isWildcard(bare(b.host))) return true;
  return addressesOf(bare(a.host)).some((one) => addressesOf(bare(b.host)).includes(one));
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');
linkLocal.addAddress('fd00:ec2::254', 'ipv6');
// 169.254.0.0/16 inside IPv6: NAT64 (RFC 6052 §2.1), 6to4 (RFC 3056 §2), IPv4-compatible (RFC 4291 §2.5.5.1).
linkLocal.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
linkLocal.addSubnet('2002:a9fe::', 32, 'ipv6');
linkLocal.addSubnet('::a9fe:0', 112, 'ipv6');

function contains(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

function bare(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$/g, '');
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function addressesOf(host: string): string[] {
  return host === 'localhost' || host.endsWith('.localhost') ? ['127.0.0.1', '::1'] : [host];
}
