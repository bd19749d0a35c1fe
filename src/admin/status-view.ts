import { html } from 'hono/html';
import { credentialTable, type RowForms } from './credential-rows.ts';
import { byUrgency, healthOf } from './health.ts';
import type { ConfigStatus, RouteTrends } from './instance-status.ts';
import type { Notice } from './notices.ts';
import { routeSection, workerSection } from './route-rows.ts';
import { type Html, shape, tabIcon } from './shapes.ts';
import { spoken } from './state-words.ts';
import type { CredentialStatus, StatusReport } from './status.ts';

export interface StatusView {
  readonly report: StatusReport;
  readonly trends: RouteTrends | undefined;
  readonly forms: RowForms;
  readonly notice: Notice | undefined;
  /** ms since the Unix epoch. */
  readonly wall: number;
}

const mostCredentials = 200;

/** The part of the page that is replaced as it gets old. */
export function statusMain(view: StatusView): Html {
  const { report, trends, forms, notice, wall } = view;
  const { config, credentials, routes, workers } = report;
  const { tone, words } = healthOf(report);
  return html`<main id="main" data-title="${words} · Cupbearer" data-icon="${tabIcon(tone)}">
${notice === undefined ? '' : html`<p class="notice ${notice.tone}" id="notice" role="status">${shape(notice.tone)}<span>${notice.text}</span></p>`}
<div class="health ${tone}">${shape(tone)}<div><h1>${words}</h1>${facts(report, wall)}</div></div>
${config?.refused === undefined ? '' : refusal(config.refused)}
${credentialSection(credentials, forms)}
${routes === undefined ? '' : routeSection(routes, trends)}
${workers === undefined || workers.length === 0 ? '' : workerSection(workers)}
</main>`;
}

function facts({ version, uptime_s = 0, draining, store, config }: StatusReport, wall: number): Html {
  return html`<dl>
<div><dt>Version</dt><dd>${version}</dd></div>
<div><dt>Up</dt><dd>${spoken(uptime_s)}</dd></div>
<div><dt>Traffic</dt><dd>${draining ? 'draining: none is accepted, what is in progress ends' : 'accepted'}</dd></div>
<div><dt>Store</dt><dd>${store.kind}${store.reachable ? ', reachable' : `, cannot be used: ${store.error}`}</dd></div>
${config === undefined ? '' : html`<div><dt>Configuration</dt><dd>loaded <time datetime="${config.loaded_at}">${ago(config.loaded_at, wall)}</time>${reloads(config.reloads)}</dd></div>`}
</dl>`;
}

function reloads(times: number): string {
  if (times === 0) return '';
  return times === 1 ? ', reloaded once' : `, reloaded ${times} times`;
}

function ago(iso: string, wall: number): string {
  const seconds = Math.floor((wall - Date.parse(iso)) / 1_000);
  return Number.isNaN(seconds) ? iso : seconds < 1 ? 'just now' : `${spoken(seconds)} ago`;
}

function refusal({ at, problems }: NonNullable<ConfigStatus['refused']>): Html {
  return html`<section class="refusal" role="alert" aria-labelledby="refused">
<h2 id="refused">${shape('warn')}<span>The configuration file was not taken</span></h2>
<p>It was refused at <time datetime="${at}">${clockTime(at)}</time>; the configuration before it serves on. Correct it, and it is read again.</p>
<ul>${problems.map((problem) => html`<li><code>${problem.trim()}</code></li>`)}</ul>
</section>`;
}

/** `2030-01-01 12:00:05 UTC`. */
function clockTime(iso: string): string {
  return iso.replace(/^([\d-]+)T([\d:]+)(?:\.\d+)?Z$/, '$1 $2 UTC');
}

function credentialSection(credentials: readonly CredentialStatus[], forms: RowForms): Html {
  const { query } = forms;
  const found = byUrgency(credentials.filter((one) => matches(one, query)));
  const shown = found.slice(0, mostCredentials);
  const more = found.length - shown.length;
  return html`<section aria-labelledby="credentials">
<div class="head"><h2 id="credentials">Credentials and tenants</h2><form method="get" action="/" role="search" class="filter" id="filter"><label for="q">Filter</label><input id="q" name="q" type="search" value="${query}" placeholder="name, tenant, provider" autocomplete="off" spellcheck="false"><button>Show</button>${query === '' ? '' : html`<a href="/">Show all</a>`}</form></div>
${shown.length === 0 ? html`<p class="more">${query === '' ? 'There are none.' : `None of ${credentials.length} matches “${query}”.`}</p>` : credentialTable(shown, forms)}
${more > 0 ? html`<p class="more">${more} more of ${found.length} are not shown: filter by name, tenant or provider.</p>` : ''}
</section>`;
}

function matches({ credential, tenant = '', provider }: CredentialStatus, query: string): boolean {
  const wanted = query.toLowerCase();
  return [credential, tenant, provider].some((text) => text.toLowerCase().includes(wanted));
}
