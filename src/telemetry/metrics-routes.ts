import { byLabel, counter, durations, type Labels, type Metric, type Sample } from './metric.ts';
import type { RouteCounts } from './route-counts.ts';

/** The label of requests that belong to no route; every route starts with a slash. */
const noRoute = '(none)';

interface Labelled {
  readonly counts: RouteCounts;
  readonly labels: Labels;
}

/** What was counted of requests. Of a route that nobody has called there is the number of its requests alone: 0. */
export function routeMetrics(routes: readonly RouteCounts[]): Metric[] {
  const all = routes.map((counts) => ({ counts, labels: { route: counts.route ?? noRoute } }));
  const used = all.filter(({ counts }) => counts.requests > 0);
  return [
    counter(
      'cupbearer_requests_total',
      'Requests that are over, by the class of the status the caller got; 1xx are tunnels, none got no status.',
      each(all, ({ responses, unanswered }) => ['status', { ...responses, none: unanswered }]),
    ),
    counter(
      'cupbearer_request_errors_total',
      'Answers of our own instead of an answer of the upstream, by the code of the problem.',
      each(used, ({ errors }) => ['code', errors]),
    ),
    counter(
      'cupbearer_requests_aborted_total',
      'Exchanges broken off before their end, by who broke them off.',
      each(used, ({ aborted }) => ['by', aborted]),
    ),
    counter(
      'cupbearer_requests_resent_total',
      'Requests sent once more after a connection that had been used before broke.',
      used.map(({ counts, labels }) => ({ sharedLabels: labels, value: counts.resent })),
    ),
    counter(
      'cupbearer_requests_waited_for_token_total',
      'Requests that waited for a token.',
      used.map(({ counts, labels }) => ({ sharedLabels: labels, value: counts.waited })),
    ),
    counter(
      'cupbearer_token_refusals_total',
      'Requests whose token the upstream refused, by what came of it.',
      each(used, ({ retry }) => ['outcome', retry]),
    ),
    durations(
      'cupbearer_request_duration_seconds',
      'From the head of a request to the end of the exchange; tunnels are left out.',
      used.map(({ counts, labels }) => ({ labels, durations: counts.duration })),
    ),
    durations(
      'cupbearer_upstream_duration_seconds',
      'From the start of the last attempt to the head of the answer of the upstream.',
      used.map(({ counts, labels }) => ({ labels, durations: counts.upstream })),
    ),
    durations(
      'cupbearer_overhead_duration_seconds',
      'Request duration without upstream duration: our own work, waiting for a token, earlier attempts and bodies.',
      used.map(({ counts, labels }) => ({ labels, durations: counts.overhead })),
    ),
  ];
}

function* each(
  routes: readonly Labelled[],
  read: (counts: RouteCounts) => readonly [string, Readonly<Partial<Record<string, number>>>],
): Generator<Sample> {
  for (const { counts, labels } of routes) yield* byLabel(...read(counts), labels);
}
