import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './child.ts';
import { bearer } from './setting.ts';

/** Where a contender is to listen, whom to ask, and a directory of its own. */
export interface Place {
  readonly port: number;
  readonly upstreamPort: number;
  readonly directory: string;
}

/** nginx with one process: keep-alive on both sides, no access log. */
export function nginx({ port, upstreamPort, directory }: Place): Program {
  const config = join(directory, 'nginx.conf');
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${directory}/${kind};`,
  );
  writeFileSync(
    config,
    `daemon off; master_process off; worker_processes 1;
pid ${directory}/nginx.pid; error_log stderr crit;
events { worker_connections 1024; }
http {
  ${temp.join(' ')}
  access_log off; keepalive_requests 1000000000;
  upstream api { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://api;
      proxy_http_version 1.1;
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
export function haproxy({ port, upstreamPort, directory }: Place): Program {
  const config = join(directory, 'haproxy.cfg');
  writeFileSync(
    config,
    `global
  nbthread 1
  maxconn 1024
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
  server api 127.0.0.1:${upstreamPort}
`,
  );
  return { command: 'haproxy', args: ['-db', '-f', config] };
}

/** Caddy with one running thread. */
export function caddy({ port, upstreamPort, directory }: Place): Program {
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
      keepalive_idle_conns_per_host 128
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
    env: { GOMAXPROCS: '1', HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
  };
}
