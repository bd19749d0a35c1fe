import { describe, expect, it } from 'vitest';
import { adminAddress } from '../../src/config/admin-address.ts';

const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });

describe('the admin address of a text that may be wrong elsewhere', () => {
  it.each([
    ['nonsense: 1', {}, tcp('127.0.0.1', 9090)],
    ['server: { admin: "127.0.0.1:9191" }\nroutes: [', {}, tcp('127.0.0.1', 9191)],
    ['server: { admin: "127.0.0.1:${PORT}" }', { PORT: '9292' }, tcp('127.0.0.1', 9292)],
    ['server: { admin: "${ADMIN:-unix:/run/admin.sock}" }', {}, { kind: 'unix', path: '/run/admin.sock' }],
    ['server: { admin: off, listen: 7 }', {}, 'off'],
    ['server: { admin: "127.0.0.1:${PORT}" }', {}, undefined],
    ['server: { admin: "${file:/etc/hostname}" }', {}, undefined],
    ['server: { admin: 9090 }', {}, undefined],
    ['server: { admin: elsewhere }', {}, undefined],
    ['server: 5', {}, tcp('127.0.0.1', 9090)],
    ['', {}, tcp('127.0.0.1', 9090)],
  ])('of %j is told', (text, env, address) => {
    expect(adminAddress(text, env)).toEqual(address);
  });
});
