import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readBody } from '../../src/gateway/body.ts';
import type { RequestHead } from '../../src/gateway/guard.ts';
import { createReplayBudget } from '../../src/gateway/replay-budget.ts';

const head = (contentLength: number | undefined, chunked = false) =>
  ({ contentLength, chunked }) as RequestHead;
const incoming = () => new PassThrough() as unknown as IncomingMessage & PassThrough;
const all = async (stream: Readable) => Buffer.concat(await stream.toArray());

describe('a request body', () => {
  it('that is absent costs nothing and can be replayed', async () => {
    const budget = createReplayBudget(0);
    for (const h of [head(undefined), head(0)]) {
      const body = await readBody(incoming(), h, 10, budget);
      expect([body.first, body.replayable, await body.replay()]).toEqual([null, true, null]);
    }
  });

  it('within the limit is read whole, reserved and given back', async () => {
    const budget = createReplayBudget(10);
    const request = incoming();
    const reading = readBody(request, head(5), 10, budget);
    request.write('he');
    request.end('llo');
    const body = await reading;
    expect(String(body.first)).toBe('hello');
    expect(String(await body.replay())).toBe('hello');
    expect(budget.used).toBe(5);
    body.release();
    body.release();
    expect(budget.used).toBe(0);
  });

  it('over the limit or the budget streams and is not kept', async () => {
    for (const [limit, budget] of [
      [4, createReplayBudget(100)],
      [100, createReplayBudget(4)],
    ] as const) {
      const request = incoming();
      const reading = readBody(request, head(5), limit, budget);
      request.end('hello');
      const body = await reading;
      expect(body.replayable).toBe(false);
      expect(String(await all(body.first as Readable))).toBe('hello');
      expect(await body.replay()).toBeUndefined();
      expect(budget.used).toBe(0);
    }
  });

  it('that the caller announces but does not send holds nothing of the budget', async () => {
    const budget = createReplayBudget(10);
    const request = incoming();
    const reading = readBody(request, head(10), 10, budget);
    expect(budget.used).toBe(0);
    request.write('four');
    await new Promise(setImmediate);
    expect(budget.used).toBe(4);
    request.destroy();
    await expect(reading).rejects.toMatchObject({ code: 'malformed-request' });
    expect(budget.used).toBe(0);
  });

  it('that is chunked streams at once and is kept beside', async () => {
    const budget = createReplayBudget(1_000_000);
    const request = incoming();
    const body = await readBody(request, head(undefined, true), 500_000, budget);
    const content = randomBytes(300_000);
    request.end(content);
    expect((await all(body.first as Readable)).equals(content)).toBe(true);
    expect((await body.replay())?.equals(content)).toBe(true);
    expect(budget.used).toBe(content.length);
    body.release();
    expect(budget.used).toBe(0);
  });

  it('can be replayed whole though its first stream was destroyed half way', async () => {
    const request = incoming();
    const body = await readBody(request, head(undefined, true), 500_000, createReplayBudget(1_000_000));
    const [one, two] = [randomBytes(50_000), randomBytes(60_000)];
    request.write(one);
    const stream = body.first as Readable;
    await new Promise((resolve) => stream.once('data', resolve));
    stream.destroy();
    const replay = body.replay();
    request.end(two);
    expect((await replay)?.equals(Buffer.concat([one, two]))).toBe(true);
  });

  it('stops being kept when it grows over the limit, and gives its bytes back', async () => {
    const budget = createReplayBudget(1_000_000);
    const request = incoming();
    const body = await readBody(request, head(undefined, true), 1_000, budget);
    request.end(randomBytes(5_000));
    expect((await all(body.first as Readable)).length).toBe(5_000);
    expect([body.replayable, budget.used, await body.replay()]).toEqual([false, 0, undefined]);
  });

  it('that grows over the limit while it is to be replayed is given up, not waited for', async () => {
    const request = incoming();
    const body = await readBody(request, head(undefined, true), 1_000, createReplayBudget(10_000));
    request.write(randomBytes(900));
    const stream = body.first as Readable;
    await new Promise((resolve) => stream.once('data', resolve));
    stream.destroy();
    const replay = body.replay();
    request.write(randomBytes(900));
    expect(await replay).toBeUndefined();
    request.end(randomBytes(200_000));
    await new Promise((resolve) => request.once('end', resolve));
  });

  it('says whether it is on its way or held up by whoever should read it', async () => {
    const request = incoming();
    const body = await readBody(request, head(undefined, true), 0, createReplayBudget(0));
    expect([body.uploading(), body.uploading()]).toEqual([true, true]);
    request.write(randomBytes(200_000));
    (body.first as Readable).read(0);
    await new Promise(setImmediate);
    expect([body.uploading(), body.uploading()]).toEqual([true, false]);
    request.end();
    await all(body.first as Readable);
    expect(body.uploading()).toBe(false);
  });

  it('that breaks off is an error, and gives its bytes back', async () => {
    const budget = createReplayBudget(10);
    const request = incoming();
    const reading = readBody(request, head(5), 10, budget);
    request.write('he');
    request.destroy();
    await expect(reading).rejects.toMatchObject({ code: 'malformed-request' });
    expect(budget.used).toBe(0);
  });
});
