import { html } from 'hono/html';
import type { Tone } from './state-words.ts';

/** Markup of ours; texts in it are escaped. */
export type Html = ReturnType<typeof html>;

/** A shape of its own for each tone, so that colour says nothing alone. Beside words, which say the same. */
const paths: Readonly<Record<Tone, string>> = {
  // A tick in a circle, a ring of dashes, two arrows, a triangle, an octagon.
  good: 'M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2ZM4.9 8.2l2.2 2.2 4-4.6',
  idle: 'M8 1.5a6.5 6.5 0 0 1 3 .75M13.2 4a6.5 6.5 0 0 1 1.3 4M14 10.6a6.5 6.5 0 0 1-2.6 2.9M8.8 14.5a6.5 6.5 0 0 1-3.7-.7M2.9 12a6.5 6.5 0 0 1-1.3-3.4M2 5.6a6.5 6.5 0 0 1 2.8-3.2',
  busy: 'M13.8 7A6 6 0 0 0 3.2 4.4M2.2 9a6 6 0 0 0 10.6 2.6M3 1.6v3h3M13 14.4v-3h-3',
  warn: 'M8 1.8 15 14.2H1ZM8 6.2v3.6M8 11.9v.2',
  bad: 'M5.2 1.2h5.6l4 4v5.6l-4 4H5.2l-4-4V5.2ZM5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8',
};

export function shape(tone: Tone): Html {
  return html`<svg class="shape" viewBox="0 0 16 16" aria-hidden="true"><path d="${paths[tone]}"/></svg>`;
}

/** Words with the shape of their tone. */
export function toned(tone: Tone, words: string): Html {
  return html`<span class="state ${tone}">${shape(tone)}<span>${words}</span></span>`;
}

/** Ours: a cup. */
export const mark: Html = html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M6 3h12c0 6-1.6 10-6 10S6 9 6 3ZM12 13v6M8 21h8M18 5h2.6c0 3.4-1.3 5-3.6 5.2M6 5H3.4c0 3.4 1.3 5 3.6 5.2"/></svg>`;

const colours: Readonly<Record<Tone, string>> = {
  good: '#15803d',
  idle: '#57534e',
  busy: '#15803d',
  warn: '#b45309',
  bad: '#b91c1c',
};

/** The icon of a tab, as the address of an image: the tone of the whole. */
export function tabIcon(tone: Tone): string {
  const inner = `<path d="${paths[tone]}" fill="none" stroke="${colours[tone]}" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>`;
  const image = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${inner}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(image)}`;
}
