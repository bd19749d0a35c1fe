const countedBits = 48;

/**
 * Whether a trace belongs to a share (0 to 1) of all. It goes by the random digits of the id alone (W3C Trace Context
 * §3.2.2.3): everywhere the same, and whatever is in a smaller share is in every larger one.
 */
export function isInShare(traceId: string, share: number): boolean {
  return Number.parseInt(traceId.slice(18, 30), 16) >= (1 - share) * 2 ** countedBits;
}
