/** Without those of the characters `outer` around it. In linear time: a pattern would try each run inside from each of its places. */
export function trimmed(text: string, outer: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && outer.includes(text.charAt(start))) start++;
  while (end > start && outer.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}
