import { html } from 'hono/html';
import type { Html } from './shapes.ts';

/** How many spells a line shows; fewer begin at its right. */
const places = 60;
const [width, height] = [120, 28];

/**
 * One number after the other as a small line, the newest at the right, from 0 to the highest; `undefined` leaves a gap.
 * `label` says in words what it shows.
 */
export function sparkline(values: readonly (number | undefined)[], label: string): Html {
  const shown = values.slice(-places);
  const highest = Math.max(...shown.map((value) => value ?? 0), Number.MIN_VALUE);
  const step = (width - 2) / (places - 1);
  const from = places - shown.length;
  const at = (value: number, i: number) =>
    `${(1 + (from + i) * step).toFixed(1)} ${(height - 2 - (value / highest) * (height - 4)).toFixed(1)}`;
  const parts: string[] = [];
  let isDown = false;
  for (const [i, value] of shown.entries()) {
    if (value !== undefined) parts.push(`${isDown ? 'L' : 'M'}${at(value, i)}`, ...(isDown ? [] : ['h.6']));
    isDown = value !== undefined;
  }
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}"><path class="base" d="M0 ${height - 1}H${width}"/><path class="line" d="${parts.join('')}"/></svg>`;
}
