import { describe, expect, it } from 'vitest';
import type { Released } from '../../src/workers/control-messages.ts';
import { followEpochs } from '../../src/workers/epochs.ts';
import { quiet } from './token-setting.ts';
import { Wire } from './wire.ts';

describe('the configurations that workers go by', () => {
  it('are released once the slowest worker has let go of them', async () => {
    const released: number[] = [];
    const epochs = followEpochs((epoch) => released.push(epoch));
    const [one, two] = [new Wire(), new Wire()];
    epochs.follow(one.parent, 0);
    epochs.follow(two.parent, 0);
    const says = (wire: Wire, epoch: number) => {
      wire.worker.send<Released>({ kind: 'released', epoch });
      return quiet();
    };
    await says(one, 2);
    expect(released).toEqual([]);
    await says(two, 1);
    expect(released).toEqual([1]);
    await says(two, 2);
    expect(released).toEqual([1, 2]);
  });

  it('are released when the worker that held them ends', () => {
    const released: number[] = [];
    const epochs = followEpochs((epoch) => released.push(epoch));
    const [one, two] = [new Wire(), new Wire()];
    const end = epochs.follow(one.parent, 0);
    epochs.follow(two.parent, 3);
    end();
    expect(released).toEqual([3]);
  });

  it('are held while no worker is there', () => {
    const released: number[] = [];
    const epochs = followEpochs((epoch) => released.push(epoch));
    epochs.follow(new Wire().parent, 0)();
    expect(released).toEqual([]);
  });
});
