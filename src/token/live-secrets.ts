import type { Session } from '../store/session.ts';
import type { Store } from '../store/store.ts';

/** Is told every secret that comes into use, before anything can be said of it: what writes must leave it out. */
export type NoteSecret = (secret: string) => void;

/** The store, its sessions' secrets noted as they come and go. */
export function notedStore(store: Store, note: NoteSecret): Store {
  return {
    ...store,
    async load(key) {
      const session = await store.load(key);
      if (session !== undefined) noteSession(session, note);
      return session;
    },
    compareAndSet(key, head, session) {
      noteSession(session, note);
      return store.compareAndSet(key, head, session);
    },
  };
}

function noteSession({ refresh_token, token, login }: Session, note: NoteSecret): void {
  for (const secret of [refresh_token, token?.value, login?.code]) if (secret !== undefined) note(secret);
}
