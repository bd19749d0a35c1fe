import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes that go through between two collections. */
const everyBytes = 8 * 1024 * 1024;
/** Up to this a body is no burden: V8 comes by often enough for what else its request leaves behind. */
const largeBytes = 1024 * 1024;

/**
 * Has V8 free the pieces of large bodies soon after they have gone through. They lie outside its heap, and by itself it
 * comes for them only once there are some 64 MiB: the process grows by as much, and every piece is written to memory
 * that no cache holds. A young collection now and then keeps both small, and costs less than it saves. Gives what is to be
 * told the size of each piece and of what has come of its body by then, bytes.
 */
export function createCollector(collect = youngCollection()): (bytes: number, ofBody: number) => void {
  let passed = 0;
  return (bytes, ofBody) => {
    if (ofBody <= largeBytes) return;
    passed += bytes;
    if (passed < everyBytes) return;
    passed = 0;
    collect();
  };
}

/** V8's collection of young objects, fetched when it is first needed: only a context made behind the flag has it. */
function youngCollection(): () => void {
  let collect: ((options: { type: 'minor' }) => void) | undefined;
  return () => {
    if (collect === undefined) {
      setFlagsFromString('--expose-gc');
      collect = runInNewContext('gc') as typeof collect;
      setFlagsFromString('--no-expose-gc');
    }
    collect?.({ type: 'minor' });
  };
}
