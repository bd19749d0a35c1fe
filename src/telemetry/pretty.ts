import type { DestinationStream } from 'pino';
import { printable } from './printable.ts';

const colours: Readonly<Record<string, number>> = { trace: 90, debug: 90, info: 32, warn: 33, error: 31 };

/** Turns JSON log lines into compact ones for a terminal: time, level, message, then key=value. */
export function prettyLines(target: DestinationStream): DestinationStream {
  return {
    write(line) {
      target.write(`${pretty(line)}\n`);
    },
  };
}

function pretty(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const colour = colours[String(level)] ?? 0;
  const rest = Object.entries(fields).map(
    ([name, value]) => `\x1b[2m${name}=\x1b[0m${printable(String(value))}`,
  );
  return `${String(time).slice(11, 23)} \x1b[${colour}m${String(level).padEnd(5)}\x1b[0m ${[printable(String(msg)), ...rest].join(' ')}`;
}
