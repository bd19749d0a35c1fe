import { randomFillSync } from 'node:crypto';

/** Makes ids that nobody has made before: lower-case hex digits, all of them random. */
export interface RandomIds {
  /** 32 digits. */
  trace(): string;
  /** 16 digits. */
  span(): string;
}

const poolBytes = 4_096;
const traceDigits = 32;
const spanDigits = 16;

/** Random bytes are fetched many at a time: that of each id by itself would cost ten times as much. */
export function createRandomIds(): RandomIds {
  const bytes = Buffer.allocUnsafeSlow(poolBytes);
  let digits = '';
  let used = 0;
  const next = (count: number) => {
    if (used + count > digits.length) {
      digits = randomFillSync(bytes).toString('hex');
      used = 0;
    }
    const start = used;
    used += count;
    return digits.slice(start, used);
  };
  return { trace: () => next(traceDigits), span: () => next(spanDigits) };
}
