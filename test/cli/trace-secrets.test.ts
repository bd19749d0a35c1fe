import { afterEach, expect, it } from 'vitest';
import { hideTraceSecrets } from '../../src/cli/trace-secrets.ts';
import { createScrubber } from '../../src/telemetry/scrubber.ts';

const headers = 'OTEL_EXPORTER_OTLP_TRACES_HEADERS';
const endpoint = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const plainEndpoint = 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT';

afterEach(() => {
  for (const name of [headers, endpoint, plainEndpoint]) delete process.env[name];
});

it('what authenticates at a collector leaves the environment of the process, and is known to the scrubber', () => {
  const basic = Buffer.from('me:basic-password').toString('base64');
  const env = {
    [headers]: `authorization=Basic%20${basic},api-key=key%2Fof-the-collector`,
    [endpoint]: 'https://me:p%40ss-word@collector.example',
    [plainEndpoint]: 'https://collector.example',
  };
  Object.assign(process.env, env);
  const scrubber = createScrubber();
  hideTraceSecrets({ ...env }, scrubber);
  expect([headers, endpoint, plainEndpoint].map((name) => name in process.env)).toEqual([false, false, true]);
  for (const secret of [
    basic,
    'basic-password',
    'key/of-the-collector',
    'key%2Fof-the-collector',
    'p@ss-word',
  ])
    expect(scrubber.scrub(`a ${secret} b`)).toBe('a [secret] b');
});
