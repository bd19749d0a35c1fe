import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { values } from '../support/raw.ts';
import { useSetting } from './setting.ts';

const day = 24 * 60 * 60_000;

describe('K: a secret that changes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-secret-'));
  const file = join(directory, 'secret');
  writeFileSync(file, 'SENT-CLIENT-1', { mode: 0o600 });
  const s = useSetting({ secret: `\${file:${file}}` });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('K8 lets requests under way finish with the old token and mixes none', async () => {
    const secrets: string[] = [];
    s.tokens.answer = (count, { headers: { authorization = '' } }) => {
      secrets.push(Buffer.from(authorization.slice('Basic '.length), 'base64').toString());
      return { body: { access_token: `SENT-T${count}`, expires_in: 3600 } };
    };
    let release = () => {};
    s.answer = (request, count) => {
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nanswer ${count} `;
      if (count > 1) return answer;
      release = () => void request.socket.write(answer);
      return undefined;
    };
    const under = s.send('GET /api/under-way');
    await expect.poll(() => s.up.requests.length).toBe(1);
    writeFileSync(file, 'SENT-CLIENT-2');
    s.proxy.rereadSecrets();
    expect((await s.send('GET /api/after')).body).toBe('answer 2 ');
    release();
    expect((await under).body).toBe('answer 1 ');
    expect(values(s.up.requests[0]!, 'authorization')).toEqual(['Bearer SENT-T1']);
    s.clock.advance(day);
    expect((await s.send('GET /api/later')).status).toBe(200);
    expect(secrets.at(0)).toContain('SENT-CLIENT-1');
    expect(secrets.at(-1)).toContain('SENT-CLIENT-2');
  });
});
