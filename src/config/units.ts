const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizeUnits = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
export const sizePattern = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/;

/** Milliseconds in a duration such as `500ms`, `30s`, `5m`, `1.5h`; undefined when it is not one. */
export function parseDuration(text: string): number | undefined {
  return parse(text, durationPattern, durationUnits);
}

/** Bytes in a size such as `512B`, `64KiB`, `1MiB`; undefined when it is not one. */
export function parseSize(text: string): number | undefined {
  return parse(text, sizePattern, sizeUnits);
}

function parse(text: string, pattern: RegExp, units: Record<string, number>): number | undefined {
  const match = pattern.exec(text);
  const unit = units[match?.[2] ?? ''];
  if (!match || unit === undefined) return undefined;
  const value = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(value) ? value : undefined;
}
