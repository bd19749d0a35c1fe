import { html, raw } from 'hono/html';
import { hashOf, pageHeaders } from './page.ts';
import { type Html, mark, tabIcon } from './shapes.ts';
import type { Tone } from './state-words.ts';
import { statusScript } from './status-script.ts';
import { statusStyle } from './status-style.ts';

/** As of our other pages, but for one script and one style of our own, forms and requests to ourselves, and a tab's icon. */
export const statusHeaders: Readonly<Record<string, string>> = {
  ...pageHeaders,
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src ${hashOf(statusStyle)}`,
    `script-src ${hashOf(statusScript)}`,
    "connect-src 'self'",
    'img-src data:',
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  // Without a Referer at all the Origin of a form would be `null`.
  'Referrer-Policy': 'same-origin',
};

/** The whole page around its main part. */
export function statusDocument(main: Html, { tone, words }: { tone: Tone; words: string }): Html {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>${words} · Cupbearer</title><link rel="icon" id="icon" href="${tabIcon(tone)}"><style>${raw(statusStyle)}</style></head>
<body><a class="skip" href="#credentials">Skip to the credentials</a>
<header><a class="brand" href="/">${mark}<span>Cupbearer</span></a><p id="live" role="status"><noscript>As of when it was opened. <a href="">Reload</a></noscript></p></header>
${main}
<footer><p>For this machine alone. The same as a table: <code>cupbearer status</code>.</p></footer>
<script>${raw(statusScript)}</script>
</body>
</html>
`;
}
