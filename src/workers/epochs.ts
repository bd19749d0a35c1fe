import type { Channel } from './channel.ts';
import type { Released } from './control-messages.ts';

/** Which configurations workers still go by. */
export interface Epochs {
  /** Follows a worker that begins with the configuration of `epoch` or a later one; gives its end. */
  follow(channel: Channel, epoch: number): () => void;
}

/** `released` is told the first epoch that a worker may still go by, whenever that rises. */
export function followEpochs(released: (epoch: number) => void): Epochs {
  const oldest = new Map<Channel, number>();
  let told = 0;
  const settle = () => {
    const epoch = Math.min(...oldest.values());
    if (oldest.size === 0 || epoch <= told) return;
    told = epoch;
    released(epoch);
  };
  return {
    follow(channel, epoch) {
      oldest.set(channel, epoch);
      const ignore = channel.listen((message) => {
        if (message.kind !== 'released') return;
        oldest.set(channel, (message as Released).epoch);
        settle();
      });
      return () => {
        ignore();
        oldest.delete(channel);
        settle();
      };
    },
  };
}
