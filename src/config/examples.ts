import type { ExampleTree } from './example-tree.ts';
import { credentialExamples, tlsExamples } from './examples-credential.ts';
import { providerExamples } from './examples-provider.ts';

const server: ExampleTree = {
  $: [{ listen: '127.0.0.1:8081', shutdown_grace: '10s' }],
  listen: ['127.0.0.1:8080', 'unix:/run/cupbearer/proxy.sock', '${LISTEN:-127.0.0.1:8080}'],
  admin: ['127.0.0.1:9090', 'unix:/run/cupbearer/admin.sock', 'off'],
  hosts: [['cupbearer.internal']],
  origins: [['https://app.example', 'http://localhost:3000']],
  tls: {
    $: [{ cert: '/tls/cert.pem', key: '/tls/key.pem', client_ca: '/tls/callers.pem' }],
    cert: ['/tls/cert.pem'],
    key: ['/tls/key.pem'],
    client_ca: ['/tls/callers.pem'],
  },
  allow_anonymous: [true],
  shutdown_grace: ['10s', '2m'],
  workers: [4, '${WORKERS:-1}'],
  replicas: [2],
  max_connections: [1024],
  max_requests: [512],
  max_tunnels: [64],
  header_timeout: ['5s'],
  body_timeout: ['1m'],
  send_timeout: ['2m'],
  max_body_buffer: ['256MiB'],
};

const caller: ExampleTree = {
  $: [{ key: '${file:/run/secrets/billing}', routes: ['/realer'] }],
  key: [
    '${file:/run/secrets/billing}',
    ['${file:/run/secrets/billing}', '${file:/run/secrets/billing-next}'],
  ],
  routes: [['/realer', '/revolution']],
};

const store: ExampleTree = {
  $: [{ url: 'sqlite:/var/lib/cupbearer/sessions.db', key: '${file:/run/secrets/store}' }],
  url: ['sqlite:/var/lib/cupbearer/sessions.db', 'rediss://redis.internal:6379/0', 'memory:'],
  key: ['${file:/run/secrets/store}', ['${file:/run/secrets/store-next}', '${file:/run/secrets/store}']],
};

const route: ExampleTree = {
  $: [{ credential: 'realer' }, { credential: 'acme', upstream: '/v2', methods: ['GET', 'POST'] }],
  upstream: ['https://api.acme.example/v2', '/v2', '${ACME_URL}'],
  credential: ['realer'],
  strip_prefix: [false],
  methods: [['GET', 'POST']],
  headers: {
    $: [{ set: { Version: '2021-07-28' }, remove: ['X-Debug'] }],
    set: [{ Version: '2021-07-28' }],
    remove: [['X-Debug']],
  },
  cookies: [true],
  timeout: {
    $: [{ connect: '1s', response: '5m' }],
    connect: ['1s'],
    response: ['5m'],
    idle: ['1h'],
  },
  replay_limit: ['4MiB', '0B'],
  tls: tlsExamples,
  upgrade: [true],
  max_body: ['10MiB'],
  http2: [true],
  allow_insecure: [true],
  callers: [['billing']],
};

/** Examples of every key of routes.yaml. They are kept out of the schema, which every start loads. */
export const examples: ExampleTree = {
  server,
  callers: { $: [{ billing: { key: '${file:/run/secrets/billing}', routes: ['/realer'] } }], '*': caller },
  store,
  providers: {
    $: [{ acme: { base_url: 'https://api.acme.example', token: { url: 'https://id.acme.example/token' } } }],
    '*': providerExamples,
  },
  credentials: {
    $: [
      {
        realer: {
          provider: 'realer',
          client_id: '${REALER_CLIENT_ID}',
          client_secret: '${file:/run/secrets/realer}',
        },
      },
    ],
    '*': credentialExamples,
  },
  routes: { $: [{ '/realer': { credential: 'realer' } }], '*': route },
};
