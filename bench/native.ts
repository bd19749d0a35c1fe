import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './child.ts';
import { type Place, upstreamName } from './place.ts';
import { bearer } from './setting.ts';

/** nginx with one process: keep-alive on both sides, no access log. */
export function nginx({ port, upstreamPort, directory, ca }: Place): Program {
  const config = join(directory, 'nginx.conf');
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${directory}/${kind};`,
  );
  const tls = `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${ca};
      proxy_ssl_name ${upstreamName}; proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3;`;
  writeFileSync(
    config,
    `daemon off; master_process off; worker_processes 1;
pid ${directory}/nginx.pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  ${temp.join(' ')}
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 64k;
  upstream api { server 127.0.0.1:${upstreamPort}; keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${ca === undefined ? 'http' : 'https'}://api;
      ${ca === undefined ? '' : tls}
      proxy_http_version 1.1;
      proxy_max_temp_file_size 0;
      proxy_set_header Connection "";
      proxy_set_header Authorization "${bearer}";
    }
  }
}
`,
  );
  return { command: 'nginx', args: ['-c', config, '-p', directory, '-e', 'stderr'] };
}

/** HAProxy with one thread. */
export function haproxy({ port, upstreamPort, directory, ca }: Place): Program {
  const config = join(directory, 'haproxy.cfg');
  const tls = ` ssl verify required ca-file ${ca} verifyhost ${upstreamName} sni str(${upstreamName})`;
  writeFileSync(
    config,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind 127.0.0.1:${port}
  default_backend api
backend api
  http-request set-header Authorization "${bearer}"
  server api 127.0.0.1:${upstreamPort}${ca === undefined ? '' : tls}
`,
  );
  return { command: 'haproxy', args: ['-db', '-f', config] };
}

/** Caddy with one running thread. */
export function caddy({ port, upstreamPort, directory, ca }: Place): Program {
  const config = join(directory, 'Caddyfile');
  writeFileSync(
    config,
    `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${upstreamPort} {
    header_up Authorization "${bearer}"
    transport http {
      keepalive_idle_conns_per_host 1024
      ${ca === undefined ? '' : `tls\n      tls_server_name ${upstreamName}`}
    }
  }
}
`,
  );
  const home = join(directory, 'home');
  mkdirSync(home);
  return {
    command: 'caddy',
    args: ['run', '--config', config, '--adapter', 'caddyfile'],
    env: {
      GOMAXPROCS: '1',
      HOME: home,
      XDG_DATA_HOME: home,
      XDG_CONFIG_HOME: home,
      // The authorities Go trusts, instead of the system's; the option for it is called differently in each Caddy.
      ...(ca === undefined ? {} : { SSL_CERT_FILE: ca, SSL_CERT_DIR: '/nonexistent' }),
    },
  };
}
