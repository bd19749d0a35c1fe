import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';

describe('commands on a static key', () => {
  let directory: string;
  let file: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-static-cli-'));
    file = join(directory, 'routes.yaml');
    writeFileSync(
      file,
      `credentials: { sms: { provider: twilio, grant_type: static, client_id: AC1, client_secret: "\${SECRET}" } }
routes: { /sms: { credential: sms } }
`,
    );
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const run = (...args: string[]) => runCommand([...args, '--config', file], { SECRET: 'the-secret' }).ended;

  it('token prints how it is sent, and no end of it', async () => {
    const { code, out } = await run('token', 'sms', '--json');
    const basic = btoa('AC1:the-secret');
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { access_token: basic, headers: { Authorization: `Basic ${basic}` }, answer: {} },
    ]);
  });

  it('revoke says that it cannot, and what to do', async () => {
    const { code, out, err } = await run('revoke', 'sms');
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(
      'cupbearer: sms: a static key cannot be revoked from here; withdraw it where it was made,\nand put the next one in its place\n',
    );
  });

  it('check lists it', async () => {
    const { code, out, err } = await run('check');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('/sms → https://api.twilio.com  credential sms (static)');
  });
});
