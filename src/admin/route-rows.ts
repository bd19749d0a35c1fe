import { html } from 'hono/html';
import type { RouteStatus, RouteTrend, RouteTrends, WorkerStatus } from './instance-status.ts';
import { type Html, toned } from './shapes.ts';
import { sparkline } from './sparkline.ts';
import { spoken, type Tone } from './state-words.ts';

const mostRoutes = 200;

/** What is told of routes, those with most requests first. */
export function routeSection(routes: readonly RouteStatus[], trends: RouteTrends | undefined): Html {
  const known = routes.filter(({ route, requests }) => route !== undefined || requests > 0);
  const shown = known.toSorted((a, b) => b.requests - a.requests).slice(0, mostRoutes);
  const more = known.length - shown.length;
  return html`<section aria-labelledby="routes"><div class="head"><h2 id="routes">Routes</h2><p class="fine">Counts since the start, estimates of p50 and p99 too; lines show the last five minutes while this page is open.</p></div>
<table role="table" aria-labelledby="routes" class="numbers">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Route</th><th role="columnheader" scope="col">Requests</th><th role="columnheader" scope="col">Rate</th><th role="columnheader" scope="col">p50</th><th role="columnheader" scope="col">p99</th><th role="columnheader" scope="col">Errors</th><th role="columnheader" scope="col">Recovered 401s</th></tr></thead>
<tbody role="rowgroup">${shown.map((one, i) => routeRow(one, i, trends?.routes.get(one.route)))}</tbody>
</table>${more > 0 ? html`<p class="more">${more} more with fewer requests: <code>cupbearer status</code> lists them all.</p>` : ''}</section>`;
}

function routeRow(status: RouteStatus, i: number, trend: RouteTrend | undefined): Html {
  const { route, requests, errors, recovered, p50_ms, p99_ms } = status;
  const name = route ?? 'no route';
  const recent = trend?.errors.reduce((sum, one) => sum + one, 0) ?? 0;
  return html`<tr role="row"><th role="rowheader" scope="row" id="r-${i}">${route === undefined ? html`<span class="none">${name}</span>` : html`<span class="name">${breakable(name)}</span>`}</th>
<td role="cell" data-label="Requests">${count(requests)}</td>
<td role="cell" data-label="Rate">${rate(name, trend)}</td>
<td role="cell" data-label="p50">${latency(name, 'p50', p50_ms, trend?.p50)}</td>
<td role="cell" data-label="p99">${latency(name, 'p99', p99_ms, trend?.p99)}</td>
<td role="cell" data-label="Errors">${recent > 0 ? html`<div>${toned('warn', count(errors))}<span class="fine">${count(recent)} lately</span></div>` : count(errors)}</td>
<td role="cell" data-label="Recovered 401s">${count(recovered)}</td></tr>
`;
}

function rate(name: string, trend: RouteTrend | undefined): Html {
  const now = trend?.rate.at(-1);
  if (trend === undefined || now === undefined) {
    return html`<div class="trend"><span class="none">measuring…</span></div>`;
  }
  const highest = Math.max(...trend.rate);
  const label = `Requests a second of ${name}: ${perSecond(now)} now, ${perSecond(highest)} at most lately`;
  return html`<div class="trend"><span>${perSecond(now)}/s</span>${sparkline(trend.rate, label)}</div>`;
}

function latency(
  name: string,
  which: 'p50' | 'p99',
  whole: number | undefined,
  lately: RouteTrend['p50'] | undefined,
): Html {
  if (whole === undefined) return html`<span class="none">–</span>`;
  const highest = Math.max(...(lately ?? []).map((ms) => ms ?? 0), 0);
  if (lately === undefined || highest === 0)
    return html`<div class="trend"><span>${duration(whole)}</span><span class="spark"></span></div>`;
  const label = `${which} of ${name} lately: ${duration(highest)} at most`;
  return html`<div class="trend"><span>${duration(whole)}</span>${sparkline(lately, label)}</div>`;
}

/** What is told of the processes that serve. */
export function workerSection(workers: readonly WorkerStatus[]): Html {
  const tones: Readonly<Record<WorkerStatus['state'], Tone>> = {
    serving: 'good',
    starting: 'busy',
    stopping: 'warn',
  };
  return html`<section aria-labelledby="workers"><div class="head"><h2 id="workers">Workers</h2></div>
<table role="table" aria-labelledby="workers" class="numbers few">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Process</th><th role="columnheader" scope="col">State</th><th role="columnheader" scope="col">Up</th><th role="columnheader" scope="col">Restarts</th></tr></thead>
<tbody role="rowgroup">${workers.map(
    ({ pid, state, uptime_s, restarts }) => html`<tr role="row"><th role="rowheader" scope="row">${pid}</th>
<td role="cell" data-label="State">${toned(tones[state], state)}</td>
<td role="cell" data-label="Up">${spoken(uptime_s)}</td>
<td role="cell" data-label="Restarts">${restarts}</td></tr>
`,
  )}</tbody>
</table></section>`;
}

/** A prefix that may go on in a new line before each slash. */
function breakable(prefix: string): readonly Html[] {
  return prefix.split(/(?=\/)/).map((part, i) => (i === 0 ? html`${part}` : html`<wbr>${part}`));
}

function count(value: number): string {
  return value.toLocaleString('en-GB');
}

function perSecond(value: number): string {
  return value >= 100 ? count(Math.round(value)) : Number(value.toPrecision(2)).toString();
}

/** `0.25 ms`, `47 ms`, `6.2 s`. */
function duration(ms: number): string {
  return ms < 1_000 ? `${Number(ms.toPrecision(2))} ms` : `${Number((ms / 1_000).toPrecision(2))} s`;
}
