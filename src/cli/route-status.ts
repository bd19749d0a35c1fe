import type { RouteStatus } from '../admin/instance-status.ts';
import { quantile } from '../telemetry/histogram.ts';
import type { RouteCounts } from '../telemetry/route-counts.ts';

/** What the status report says of a route, made of what was counted. */
export function routeStatus(counts: RouteCounts): RouteStatus {
  const { route, requests, responses, unanswered, errors, retry, waited, duration } = counts;
  const p50 = quantile(0.5, duration);
  const p99 = quantile(0.99, duration);
  return {
    ...(route === undefined ? {} : { route }),
    requests,
    responses,
    unanswered,
    errors: Object.values(errors).reduce((sum, times) => sum + times, 0),
    recovered: retry.recovered,
    waited,
    ...(p50 === undefined ? {} : { p50_ms: rounded(p50) }),
    ...(p99 === undefined ? {} : { p99_ms: rounded(p99) }),
  };
}

/** To two digits, which is more than an estimate is worth; 0.25, 3.8, 47, 6200. */
function rounded(ms: number): number {
  return Number(ms.toPrecision(2));
}
