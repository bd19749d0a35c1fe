import { randomBytes } from 'node:crypto';
import { type EventEmitter, once } from 'node:events';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { type Broker, mosquittoIsMissing, startMosquitto } from '../support/mosquitto.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';
import { type Relay, startRelay } from '../support/relay.ts';

describe.skipIf(mosquittoIsMissing())('MQTT over WebSocket through the proxy to mosquitto', () => {
  let broker: Broker;
  /** In front of the broker, which takes no notice of the handshake's fields. */
  let relay: Relay;
  let tokens: TokenServer;
  let clock: OffsetClock;
  let proxy: Fixture;
  const clients: MqttClient[] = [];

  beforeAll(async () => {
    broker = await startMosquitto();
  });
  afterAll(() => broker?.close());
  beforeEach(async () => {
    relay = await startRelay(broker.port);
    tokens = await tokenServer('SENT-T');
    clock = offsetClock();
    proxy = await startCupbearer(
      `
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes:
  /broker: { upstream: "http://127.0.0.1:${relay.port}", credential: c, upgrade: true }
`,
      { clock },
    );
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
    await expect
      .poll(() => proxy.usage(), { message: 'everything is given back' })
      .toEqual({ connections: 0, exchanges: 0, tunnels: 0, watched: 0, buffered: 0 });
    await proxy.stop();
    expect(proxy.log()).not.toContain('SENT-');
    await tokens.close();
    await relay.close();
  });

  /** mqtt's types are not those of an EventEmitter to `once`. */
  const event = (client: MqttClient, name: string) => once(client as unknown as EventEmitter, name);
  const client = (options: IClientOptions = {}) => {
    const url = `${proxy.url.replace('http', 'ws')}/broker/mqtt`;
    const one = mqtt.connect(url, { ...broker.user, reconnectPeriod: 50, ...options });
    clients.push(one);
    return one;
  };
  const connect = async (options: IClientOptions = {}) => {
    const one = client(options);
    await event(one, 'connect');
    return one;
  };
  /** The next message, its topic and payload. */
  const next = async (client: MqttClient) => {
    const [topic, payload] = (await event(client, 'message')) as [string, Buffer];
    return { topic, payload };
  };
  const credentials = () => relay.heads.map((head) => head.match(/(?<=^authorization: ).*$/gim));

  it.each([
    ['3.1.1', 0],
    ['3.1.1', 1],
    ['5', 1],
    ['5', 2],
  ] as const)('publishes and receives with MQTT %s and QoS %i', async (version, qos) => {
    const protocolVersion = version === '5' ? 5 : 4;
    const [one, two] = [await connect({ protocolVersion }), await connect({ protocolVersion })];
    await two.subscribeAsync(`devices/+/${qos}`, { qos });
    for (const text of ['on', 'off', '']) {
      const message = next(two);
      await one.publishAsync(`devices/dev_1/${qos}`, text, { qos });
      expect(await message).toEqual({ topic: `devices/dev_1/${qos}`, payload: Buffer.from(text) });
    }
    expect(tokens.calls).toBe(1);
  });

  it('asks upstream with the credential once and the subprotocol, and nothing of the caller that could be one', async () => {
    await connect({ wsOptions: { headers: { Authorization: 'Basic mine', Cookie: 'a=mine' } } });
    const [head = ''] = relay.heads;
    expect(head).toMatch(/^GET \/mqtt HTTP\/1\.1\r\n/);
    expect(head).toMatch(/^sec-websocket-protocol: mqtt\r$/im);
    expect(credentials()).toEqual([['Bearer SENT-T1']]);
    expect(head).not.toContain('mine');
  });

  it('carries 1 MiB there and back', async () => {
    const one = await connect();
    await one.subscribeAsync('firmware', { qos: 1 });
    const payload = randomBytes(1 << 20);
    const message = next(one);
    await one.publishAsync('firmware', payload, { qos: 1 });
    expect((await message).payload.equals(payload)).toBe(true);
  });

  it('keeps a connection alive by pings', async () => {
    const one = await connect({ keepalive: 1 });
    let answers = 0;
    one.on('packetreceive', ({ cmd }) => {
      if (cmd === 'pingresp') answers++;
    });
    await expect.poll(() => answers, { timeout: 5_000 }).toBe(2);
    expect(relay.heads).toHaveLength(1);
  });

  it('connects again when the connection breaks, and hears what it had subscribed to', async () => {
    const one = await connect();
    await one.subscribeAsync('devices/#', { qos: 1 });
    const again = event(one, 'connect');
    relay.cut();
    await again;
    const message = next(one);
    await one.publishAsync('devices/dev_2', 'back', { qos: 1 });
    expect(String((await message).payload)).toBe('back');
    expect(credentials()).toEqual(Array(2).fill(['Bearer SENT-T1']));
  });

  it('is let in by a new token when the handshake is refused once with 401', async () => {
    await (await connect()).endAsync();
    clock.advance(5_000);
    relay.answerNext('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    const one = await connect({ reconnectPeriod: 0 });
    await one.publishAsync('devices/dev_1', 'in', { qos: 1 });
    expect(credentials().slice(1)).toEqual([['Bearer SENT-T1'], ['Bearer SENT-T2']]);
  });

  it("passes the client's own user and password on to the broker, which alone judges them", async () => {
    const refused = client({ password: 'wrong', reconnectPeriod: 0 });
    const [error] = (await event(refused, 'error')) as [Error];
    expect(error.message).toBe('Connection refused: Not authorized');
    expect(credentials()).toEqual([['Bearer SENT-T1']]);
  });
});
