/**
 * One end of the way between the parent and a worker, ordered and reliable until it is gone. Messages are plain JSON
 * data with a `kind`; each part of the program looks only at the kinds it knows.
 */
export interface Channel {
  /** Never throws; what is sent after the other side is gone is lost. */
  send<M extends Message>(message: M): void;
  /** Calls `listener` with every message from now on; gives what ends that. */
  listen(listener: (message: Message) => void): () => void;
}

export interface Message {
  readonly kind: string;
}
