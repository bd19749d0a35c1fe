import { describe, expect, it } from 'vitest';
import { logSettings } from '../../src/cli/log-settings.ts';

const plain = { level: 'info', format: 'json', colour: false, service: 'cupbearer', sampleRate: 1 };

describe('how to log', () => {
  it.each<[Record<string, string>, Record<string, string>, object]>([
    [{}, {}, plain],
    [
      {},
      { CUPBEARER_LOG_LEVEL: 'warn', CUPBEARER_LOG_FORMAT: 'ecs', CUPBEARER_LOG_SAMPLE: '0.25' },
      { ...plain, level: 'warn', format: 'ecs', sampleRate: 0.25 },
    ],
    [
      { 'log-level': 'debug', 'log-format': 'pretty', 'log-sample': '0' },
      { CUPBEARER_LOG_LEVEL: 'nonsense', CUPBEARER_LOG_FORMAT: 'ecs', CUPBEARER_LOG_SAMPLE: '1' },
      { ...plain, level: 'debug', format: 'pretty', sampleRate: 0 },
    ],
    [
      {},
      { CUPBEARER_LOG_FORMAT: '', CUPBEARER_LOG_SAMPLE: '', OTEL_SERVICE_NAME: 'pay' },
      { ...plain, service: 'pay' },
    ],
    [{ 'log-sample': '.5' }, {}, { ...plain, sampleRate: 0.5 }],
    [{ 'log-sample': '1.0' }, {}, plain],
  ])('options %j and environment %j', (options, env, expected) => {
    expect(logSettings({ options, env })).toEqual(expected);
  });

  it.each<[Record<string, string>, Record<string, string>, RegExp]>([
    [{ 'log-format': 'xml' }, {}, /^--log-format is one of json, ecs, pretty$/],
    [{}, { CUPBEARER_LOG_FORMAT: 'xml' }, /^CUPBEARER_LOG_FORMAT is one of/],
    [{ 'log-level': 'loud' }, {}, /^--log-level is one of trace/],
    [{ 'log-sample': '1.1' }, {}, /^--log-sample is a number from 0 to 1/],
    [{ 'log-sample': '10%' }, {}, /^--log-sample/],
    [{ 'log-sample': '-0' }, {}, /^--log-sample/],
    [{}, { CUPBEARER_LOG_SAMPLE: 'NaN' }, /^CUPBEARER_LOG_SAMPLE/],
  ])('says which of them is wrong: %j %j', (options, env, message) => {
    expect(() => logSettings({ options, env })).toThrow(message);
  });
});
