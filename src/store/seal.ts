import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { Secret } from '../config/secret.ts';
import { CupbearerError } from '../errors.ts';
import { nameOf, sessionOf } from './name.ts';
import type { Row } from './record.ts';
import type { Session, SessionKey } from './session.ts';
import { sessionFromJson, sessionToJson } from './session-json.ts';

/*
 * A sealed session: "CUPB" · version (1 byte) · key id (8) · nonce (12, random) · ciphertext · tag (16).
 * AES-256-GCM (NIST SP 800-38D) over the session's JSON. Version, key id, name and head are additional data, so a
 * record that is moved to another session or given another head does not open.
 */
const magic = Buffer.from('CUPB');
const version = 1;
const keyIdBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const keyIdAt = magic.length + 1;
const nonceAt = keyIdAt + keyIdBytes;
const cipherAt = nonceAt + nonceBytes;

/** Seals and opens sessions. */
export interface Sealer {
  seal(key: SessionKey, session: Session): Row;
  /** Throws CupbearerError `store-unreadable` that says which session, why and what to do. */
  open(key: SessionKey, row: Row): Session;
}

interface SealingKey {
  readonly id: string;
  readonly key: KeyObject;
}

/**
 * A sealer with `store.key`: the first key seals, all open. Throws CupbearerError `configuration-invalid` when there is
 * no key or one is not 32 bytes in base64.
 */
export function createSealer(secrets: readonly Secret[]): Sealer {
  const ring = secrets.map(toSealingKey);
  const [first] = ring;
  if (first === undefined) throw new CupbearerError('configuration-invalid', 'store.key is missing');
  return {
    seal: (key, session) => seal(first, key, session),
    open: (key, row) => open(ring, key, row),
  };
}

function toSealingKey(secret: Secret): SealingKey {
  const given = Buffer.from(secret.reveal(), 'base64');
  if (given.length !== 32) {
    throw new CupbearerError(
      'configuration-invalid',
      'store.key is not 32 bytes in base64; make one with: openssl rand -base64 32',
    );
  }
  const derive = (label: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', given, '', `cupbearer store ${label}`, bytes));
  return { id: derive('key id', keyIdBytes).toString('hex'), key: createSecretKey(derive('seal', 32)) };
}

function seal({ id, key: secretKey }: SealingKey, key: SessionKey, session: Session): Row {
  const head = Buffer.concat([magic, Buffer.of(version), Buffer.from(id, 'hex')]);
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', secretKey, nonce, { authTagLength: tagBytes });
  cipher.setAAD(additionalData(head, key, session.head));
  const ciphertext = Buffer.concat([cipher.update(sessionToJson(session), 'utf8'), cipher.final()]);
  return { head: session.head, sealed: Buffer.concat([head, nonce, ciphertext, cipher.getAuthTag()]) };
}

function open(ring: readonly SealingKey[], key: SessionKey, row: Row): Session {
  const sealed = Buffer.from(row.sealed.buffer, row.sealed.byteOffset, row.sealed.byteLength);
  if (!sealed.subarray(0, magic.length).equals(magic) || (sealed[magic.length] ?? 0) === 0) {
    throw unreadable(key, 'is not a record that Cupbearer wrote', 'give Cupbearer a store of its own');
  }
  const written = sealed[magic.length] as number;
  if (written > version) {
    throw unreadable(
      key,
      `was written by a newer version of Cupbearer (record version ${written}, this one reads ${version})`,
      'run that version',
    );
  }
  if (sealed.length < cipherAt + tagBytes) throw altered(key, 'is cut off');
  const id = sealed.toString('hex', keyIdAt, nonceAt);
  const found = ring.find((one) => one.id === id);
  if (found === undefined) {
    throw unreadable(
      key,
      `is sealed with key ${id}, which is not in store.key (${ring.map((one) => one.id).join(', ')})`,
      'add the key it was sealed with to the list in store.key',
    );
  }
  const json = decrypt(found, sealed, additionalData(sealed.subarray(0, nonceAt), key, row.head));
  if (json === undefined) throw altered(key, 'was altered or moved since it was sealed');
  const session = sessionFromJson(json);
  if (typeof session === 'string') throw altered(key, `holds no session: ${session}`);
  return session;
}

/** Undefined when the tag does not fit. */
function decrypt({ key }: SealingKey, sealed: Buffer, aad: Buffer): string | undefined {
  const nonce = sealed.subarray(nonceAt, cipherAt);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const plain = decipher.update(sealed.subarray(cipherAt, -tagBytes));
  try {
    return Buffer.concat([plain, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

/** Each part with its length before it, so that no two lists of parts have the same bytes. */
function additionalData(envelopeHead: Buffer, key: SessionKey, head: string): Buffer {
  const parts = [envelopeHead, Buffer.from(nameOf(key)), Buffer.from(head)];
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

function altered(key: SessionKey, what: string): CupbearerError {
  return unreadable(key, what, 'restore it from a backup, or remove it and log in again');
}

function unreadable(key: SessionKey, what: string, remedy: string): CupbearerError {
  return new CupbearerError(
    'store-unreadable',
    `${sessionOf(key)} in the store ${what}; it is left as it is: ${remedy}`,
  );
}
