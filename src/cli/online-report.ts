import { type CheckedCredential, type Finding, isBad, type OnlineResult } from './online-result.ts';
import type { CheckedUpstream } from './online-upstreams.ts';
import { plain } from './plain.ts';
import { table } from './table.ts';

/**
 * What `check --online` found; a member of `check --json`, whose names are stable and to which members may be added.
 */
export interface OnlineReport {
  readonly credentials: readonly CheckedCredential[];
  readonly upstreams: readonly CheckedUpstream[];
}

/** Whether nothing of it makes the check fail. */
export function isFine({ credentials, upstreams }: OnlineReport): boolean {
  return ![...credentials, ...upstreams].some(isBad);
}

const words: Readonly<Record<OnlineResult, readonly [mark: string, word: string]>> = {
  ok: ['✓', 'ok'],
  warning: ['!', 'warning'],
  failed: ['✗', 'failed'],
  login: ['✗', 'needs login'],
  skipped: ['–', 'skipped'],
};

/** For a person; marks stand before the words on a terminal. */
export function renderOnline({ credentials, upstreams }: OnlineReport, marks: boolean): string {
  const word = ({ result }: Finding) => (marks ? words[result].join(' ') : words[result][1]);
  const lines = [
    ...table(
      ['CREDENTIAL', 'TENANT', 'RESULT', 'DETAIL'],
      credentials.map((one) => ({
        cells: [one.credential, one.tenant ?? '', word(one), one.detail],
        notes: [
          ...(isBad(one) && one.error?.status !== undefined && one.token_url !== undefined
            ? [`at ${one.token_url}`]
            : []),
          ...notesOf(one),
        ],
      })),
    ),
    '',
    ...table(
      ['UPSTREAM', 'ROUTES', 'RESULT', 'DETAIL'],
      upstreams.map((one) => ({
        cells: [one.upstream, one.routes.join(' '), word(one), one.detail],
        notes: notesOf(one),
      })),
    ),
    '',
    countsOf([...credentials, ...upstreams]),
  ];
  return lines.map((line) => `${plain(line)}\n`).join('');
}

function notesOf({ warnings = [], what_to_do }: Finding): string[] {
  return [...warnings, ...(what_to_do === undefined ? [] : [`→ ${what_to_do}`])];
}

/** `3 ok, 1 failed.` */
function countsOf(findings: readonly Finding[]): string {
  const counts = (Object.keys(words) as OnlineResult[])
    .map((result) => ({
      word: words[result][1],
      count: findings.filter((one) => one.result === result).length,
    }))
    .filter(({ count }) => count > 0);
  return `${counts.map(({ word, count }) => `${count} ${word}`).join(', ')}.`;
}
