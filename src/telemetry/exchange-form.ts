import { ecsHead, ecsNames, inNanoseconds } from './ecs.ts';
import type { ExchangeLine } from './exchange-line.ts';
import { printableJson } from './printable.ts';

type Names = Readonly<Record<Exclude<keyof ExchangeLine, 'isGiven'>, string>>;

/** How the line of an exchange is written: all that is not of the exchange itself. */
export interface ExchangeForm {
  /** The line up to the text of the id. `time` is ISO 8601. */
  start(level: 'info' | 'error', time: string): string;
  readonly names: Names;
  /** Members behind the status, with a comma before each. */
  outcome(line: ExchangeLine): string;
  /** Milliseconds as they are written. */
  readonly duration: (ms: number) => number;
  /** The last members and the brace. */
  readonly end: string;
}

/** Each field by its own name. */
export const plainForm: ExchangeForm = {
  start: (level, time) => `{"level":"${level}","time":"${time}","id":"`,
  names: {
    id: 'id',
    trace_id: 'trace_id',
    span_id: 'span_id',
    method: 'method',
    route: 'route',
    credential: 'credential',
    caller: 'caller',
    status: 'status',
    ms: 'ms',
    upstream_ms: 'upstream_ms',
    token: 'token',
    retry: 'retry',
    resent: 'resent',
    aborted: 'aborted',
    tunnel: 'tunnel',
    error: 'error',
    cause: 'cause',
    sample_rate: 'sample_rate',
  },
  outcome: () => '',
  duration: (ms) => ms,
  end: ',"msg":"exchange"}',
};

/** Fields by the names of the Elastic Common Schema; `service` is who logs. */
export function ecsForm(service: string): ExchangeForm {
  const named = Object.fromEntries(Object.keys(plainForm.names).map((key) => [key, ecsNames(key)]));
  return {
    start: (level, time) => {
      const head = { ...ecsHead(level, time, 'exchange', service), 'event.dataset': 'cupbearer.exchange' };
      return `${printableJson(JSON.stringify(head)).slice(0, -1)},"${ecsNames('id')}":"`;
    },
    names: named as Names,
    outcome: ({ status, error, aborted }) => {
      const isGood = error === undefined && aborted === undefined && status > 0 && status < 400;
      return `,"event.outcome":"${isGood ? 'success' : 'failure'}"`;
    },
    duration: inNanoseconds,
    end: '}',
  };
}
