import { expect, it } from 'vitest';
import { exchangeLog } from '../../src/cli/exchange-log.ts';
import { CupbearerError } from '../../src/errors.ts';
import { answerProblem, exchangeFactory } from '../../src/gateway/record.ts';
import { createCounters } from '../../src/telemetry/counters.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { ManualClock } from '../support/manual-clock.ts';

it('tells of guessed keys at once, then every ten seconds, and never one by one', async () => {
  const lines: { msg: string; refused?: number; error?: string }[] = [];
  const log = createLog({ level: 'info', stream: { write: (line) => void lines.push(JSON.parse(line)) } });
  const clock = new ManualClock();
  const end = exchangeLog(log, clock, createCounters([]));
  const newExchange = exchangeFactory(() => clock.mono());
  const refuse = (code: 'too-many-attempts' | 'caller-unknown', times: number) => {
    for (let i = 0; i < times; i++) {
      const exchange = newExchange('GET');
      answerProblem(exchange, new CupbearerError(code, 'no'));
      end(exchange);
    }
  };
  const told = () => lines.splice(0).map(({ msg, refused, error }) => [msg, refused, error]);
  const often = 'callers without a right key try too often';

  refuse('caller-unknown', 2);
  expect(told()).toEqual([
    ['exchange', undefined, 'caller-unknown'],
    ['exchange', undefined, 'caller-unknown'],
  ]);
  refuse('too-many-attempts', 5_000);
  expect(told()).toEqual([[often, 1, 'too-many-attempts']]);
  await clock.advance(9_999);
  refuse('too-many-attempts', 1);
  expect(told()).toEqual([]);
  await clock.advance(1);
  expect(told()).toEqual([[often, 5_000, 'too-many-attempts']]);
  await clock.advance(60_000);
  expect(told()).toEqual([]);
  refuse('too-many-attempts', 1);
  expect(told()).toEqual([[often, 1, 'too-many-attempts']]);
});
