import * as v from 'valibot';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const duration = v.pipe(v.number(), v.finite(), v.minValue(0));

/** `RouteStatus`, as an instance answers it. */
export const routeStatus = v.looseObject({
  route: v.exactOptional(v.string()),
  requests: count,
  responses: v.looseObject({ '1xx': count, '2xx': count, '3xx': count, '4xx': count, '5xx': count }),
  unanswered: count,
  errors: count,
  recovered: count,
  waited: count,
  p50_ms: v.exactOptional(duration),
  p99_ms: v.exactOptional(duration),
});

/** `WorkerStatus`, as an instance answers it. */
export const workerStatus = v.looseObject({
  pid: count,
  state: v.picklist(['starting', 'serving', 'stopping']),
  uptime_s: duration,
  restarts: count,
});

/** `ConfigStatus`, as an instance answers it. */
export const configStatus = v.looseObject({
  loaded_at: v.string(),
  reloads: count,
  refusals: count,
  refused: v.exactOptional(v.looseObject({ at: v.string(), problems: v.array(v.string()) })),
});
