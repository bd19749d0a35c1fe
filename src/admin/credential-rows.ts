import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import type { FormAct } from './form-token.ts';
import { type Html, toned } from './shapes.ts';
import { spoken, stateOf, toneOf } from './state-words.ts';
import { type CredentialStatus, isInForce } from './status.ts';
import { subjectPath, whose } from './subject.ts';

export interface RowForms {
  /** What a form carries to show that it is ours. */
  readonly token: (act: FormAct) => string;
  /** What the list is narrowed to; comes back after a form. */
  readonly query: string;
}

/** What is told of credentials and tenants, and what may be done with them. */
export function credentialTable(credentials: readonly CredentialStatus[], forms: RowForms): Html {
  return html`<table role="table" aria-labelledby="credentials">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Credential</th><th role="columnheader" scope="col">State</th><th role="columnheader" scope="col">Token lifetime</th><th role="columnheader" scope="col">Session</th><th role="columnheader" scope="col"><span class="unseen">Actions</span></th></tr></thead>
${credentials.map((one) => rowGroup(one, forms))}
</table>`;
}

function rowGroup(status: CredentialStatus, forms: RowForms): Html {
  const { credential, tenant, provider, grant_type } = status;
  const id = idOf(status);
  return html`<tbody role="rowgroup" id="${id}" class="${toneOf(status)}">
<tr role="row"><th role="rowheader" scope="row"><span class="name">${credential}</span>${tenant === undefined ? '' : html`<span class="tenant"><span class="unseen">tenant </span>${tenant}</span>`}<span class="fine">${provider} · ${shortGrant(grant_type)}</span></th>
<td role="cell" data-label="State">${toned(toneOf(status), stateOf(status))}</td>
${cell('Token lifetime', lifetime(status))}
${cell('Session', session(status))}
<td role="cell" class="actions">${actions(status, forms, id)}</td></tr>
${trouble(status)}</tbody>
`;
}

/** A cell; what does not apply is left out where cells are lines of a card. */
function cell(label: string, content: Html | string | undefined): Html {
  return content === undefined
    ? html`<td role="cell" class="none" aria-label="none">–</td>`
    : html`<td role="cell" data-label="${label}"><div>${content}</div></td>`;
}

/** Stays the same from one page to the next, whatever the names hold. */
function idOf({ credential, tenant }: CredentialStatus): string {
  const hash = createHash('sha256').update(JSON.stringify([credential, tenant ?? null]));
  return `c-${hash.digest('hex').slice(0, 16)}`;
}

/** The grants of extensions without their namespace. */
function shortGrant(grantType: string): string {
  return grantType.replace(/^urn:ietf:params:oauth:grant-type:/, '').replaceAll('_', ' ');
}

function lifetime(status: CredentialStatus): Html | string | undefined {
  const { state, gen, lifetime_left_s: left, lifetime_s: whole, renew_in_s } = status;
  const isServing = isInForce(state);
  if (left === undefined) return isServing ? 'does not expire' : undefined;
  if (whole === undefined || whole <= 0) return `${spoken(left)} left`;
  const share = Math.min(100, Math.round((left / whole) * 1_000) / 10);
  const due = renew_in_s === undefined ? 0 : Math.max(0, (left - renew_in_s) / whole) * 100;
  const text = `${spoken(left)} left of ${spoken(whole)}`;
  const next = isServing ? renewal(status) : '';
  return html`<div class="life"><div role="meter" aria-label="Lifetime left" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${Math.round(share)}" aria-valuetext="${text}"><svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="rail" width="100" height="6"/><rect class="left" width="${share}" height="6"/>${due > 0 ? html`<rect class="due" x="${due.toFixed(1)}" width="1" height="6"/>` : ''}</svg></div>
<span>${text}</span><span class="fine">${next}${next === '' ? '' : ' · '}generation <span class="gen">${gen}</span></span></div>`;
}

function renewal({ refresh, renew_in_s, retry_in_s }: CredentialStatus): string {
  if (refresh === 'IN_FLIGHT') return 'renewing now';
  if (refresh === 'DRAINING') return 'not renewed while shutting down';
  if (retry_in_s !== undefined) return `next try in ${spoken(retry_in_s)}`;
  return renew_in_s === undefined ? 'renewed with its next use' : `renews in about ${spoken(renew_in_s)}`;
}

function session({ session: told }: CredentialStatus): Html | string | undefined {
  if (told === undefined) return undefined;
  const pending = told.intent_pending ? html`<span class="fine">a refresh waits for its answer</span>` : '';
  switch (told.refresh_token) {
    case 'stored':
      return html`stored${pending}`;
    case 'configured':
      return html`begins with the configured refresh token${pending}`;
    case 'spent':
      return html`spent: log in again${pending}`;
    case 'none':
      return 'none: nobody has logged in';
    case 'unreadable':
      return html`cannot be read${pending}`;
  }
}

function trouble(status: CredentialStatus): Html | string {
  const { last_error, session: told } = status;
  const what = last_error?.what_to_do;
  const lines: readonly [string, Html | string | undefined][] = [
    ['Last error', last_error && html`<code>${last_error.error}</code> ${last_error.detail}`],
    ['Session', told?.error === last_error?.detail ? undefined : told?.error],
    [
      'What to do',
      what === undefined || last_error?.detail.includes(what) ? undefined : advice(status, what),
    ],
  ];
  const said = lines.filter(([, text]) => text !== undefined);
  if (said.length === 0) return '';
  return html`<tr role="row" class="trouble"><td role="cell" colspan="5"><div>${said.map(
    ([label, text]) => html`<p><span class="label">${label}</span> ${text}</p>`,
  )}</div></td></tr>
`;
}

/** A login needs no shell here. */
function advice({ last_error, can_log_in }: CredentialStatus, what: string): Html | string {
  if (last_error?.kind !== 'reauthorization' || !what.startsWith('cupbearer ')) return what;
  return html`${can_log_in ? 'log in here, or run ' : 'run '}<code>${what}</code>`;
}

function actions(status: CredentialStatus, { token, query }: RowForms, id: string): Html | string {
  const { credential, tenant, grant_type, can_log_in, well } = status;
  // Nobody gives a new key, and nobody takes one back.
  if (grant_type === 'static') return '';
  const name = whose(status);
  const tail = subjectPath(status);
  const fields = (act: FormAct['act']) =>
    html`<input type="hidden" name="token" value="${token({ act, credential, tenant })}">${query === '' ? '' : html`<input type="hidden" name="q" value="${query}">`}`;
  return html`<div><form method="post" action="/status/renew/${tail}">${fields('renew')}<button aria-label="Renew now: ${name}">Renew now</button></form>
${can_log_in ? html`<a class="button${well ? '' : ' first'}" href="/login/${tail}" aria-label="Log in: ${name}">Log in</a>` : ''}
<details class="confirm" id="${id}-revoke"><summary class="button" aria-label="Revoke: ${name}">Revoke</summary>
<form method="post" action="/status/revoke/${tail}">${fields('revoke')}<p>Revoke the tokens of <b>${name}</b> at the provider and delete its session? ${
    can_log_in
      ? 'Its callers get errors until somebody logs in again.'
      : 'The next request of a caller fetches a new one, if the provider grants it.'
  }</p><button class="danger">Yes, revoke</button></form></details></div>`;
}
