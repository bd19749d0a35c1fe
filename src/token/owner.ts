import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/** A name for whoever holds a lease: this process, once. Where the system tells, it says which process that is. */
export function ownerName(): string {
  return `${processName(process.pid) ?? '-'}:${randomBytes(9).toString('base64url')}`;
}

/**
 * Whether the process that took this name is certainly gone: it was in our process namespace, and no process with its
 * id and start time is there. False when that cannot be told.
 */
export function isGone(owner: string): boolean {
  const [namespace = '', pid = '', started = ''] = owner.split(':', 1)[0]?.split('.') ?? [];
  if (started === '' || namespace !== namespaceName()) return false;
  const name = processName(Number(pid));
  return name === undefined ? !exists(Number(pid)) : name !== `${namespace}.${pid}.${started}`;
}

/** Also where /proc hides other users' processes. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** `namespace.pid.start`, the last in clock ticks since boot (proc(5), stat field 22); undefined where there is no /proc. */
function processName(pid: number): string | undefined {
  const namespace = namespaceName();
  if (namespace === undefined) return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not noticed.
    const started = fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19];
    return `${namespace}.${pid}.${started}`;
  } catch {
    return undefined;
  }
}

function namespaceName(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8);
    return `${boot}-${/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]}`;
  } catch {
    return undefined;
  }
}
