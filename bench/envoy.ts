import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './child.ts';
import { type Place, tokenUrlOf, upstreamName } from './place.ts';

/** Envoy with one worker thread. It fetches and injects the token itself: client_credentials, as Cupbearer does. */
export function envoy(place: Place): Program {
  const { port, upstreamPort, tokenPort = upstreamPort, directory, ca } = place;
  const config = join(directory, 'envoy.json');
  const bootstrap = {
    static_resources: {
      listeners: [{ name: 'front', address: loopback(port), filter_chains: [{ filters: [manager(place)] }] }],
      clusters: [cluster('api', upstreamPort, ca), cluster('token', tokenPort, ca)],
      secrets: [{ name: 'client-secret', generic_secret: { secret: { inline_string: 'bench' } } }],
    },
  };
  writeFileSync(config, JSON.stringify(bootstrap));
  const quiet = ['--disable-hot-restart', '--log-level', 'warn'];
  return { command: 'envoy', args: ['--config-path', config, '--concurrency', '1', ...quiet] };
}

function manager(place: Place): object {
  const name = 'envoy.filters.network.http_connection_manager';
  const everything = { match: { prefix: '/' }, route: { cluster: 'api' } };
  return typed(name, 'filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'front',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [everything] }] },
    http_filters: [injector(place), typed('envoy.filters.http.router', 'filters.http.router.v3.Router', {})],
  });
}

function injector(place: Place): object {
  const oauth2 = typed(
    'envoy.http.injected_credentials.oauth2',
    'http.injected_credentials.oauth2.v3.OAuth2',
    {
      token_endpoint: { uri: tokenUrlOf(place), cluster: 'token', timeout: '3s' },
      client_credentials: { client_id: 'bench', client_secret: { name: 'client-secret' } },
    },
  );
  const kind = 'filters.http.credential_injector.v3.CredentialInjector';
  return typed('envoy.filters.http.credential_injector', kind, { overwrite: true, credential: oauth2 });
}

function cluster(name: string, port: number, ca: string | undefined): object {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }];
  const limits = { max_connections: 4096, max_pending_requests: 4096, max_requests: 4096 };
  return {
    name,
    type: 'STATIC',
    connect_timeout: '3s',
    load_assignment: { cluster_name: name, endpoints },
    circuit_breakers: { thresholds: [limits] },
    ...(ca === undefined ? {} : { transport_socket: verified(ca) }),
  };
}

function verified(ca: string): object {
  const names = [{ san_type: 'DNS', matcher: { exact: upstreamName } }];
  return typed('envoy.transport_sockets.tls', 'transport_sockets.tls.v3.UpstreamTlsContext', {
    sni: upstreamName,
    common_tls_context: {
      validation_context: { trusted_ca: { filename: ca }, match_typed_subject_alt_names: names },
    },
  });
}

function typed(name: string, kind: string, settings: object): object {
  return { name, typed_config: { '@type': `type.googleapis.com/envoy.extensions.${kind}`, ...settings } };
}

function loopback(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
