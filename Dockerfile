ARG NODE_IMAGE=docker.io/library/node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Types, source maps, documents, tests and CommonJS twins are not read at run time; licences stay. prom-client requires
# @opentelemetry/api as CommonJS. `npm run container` imports every dependency from what is left.
RUN npm ci --omit=dev --omit=optional --omit=peer --ignore-scripts && \
    find node_modules -type f ! -iname 'licen[cs]e*' \
      \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -name '*.md' \) -delete && \
    find node_modules -mindepth 2 -maxdepth 3 -type d \
      \( -name test -o -name docs -o -name benchmarks -o -name examples -o -name .github \) -prune -exec rm -r {} + && \
    rm -r node_modules/hono/dist/cjs node_modules/hono/dist/types node_modules/yaml/browser && \
    find node_modules/@opentelemetry -type f \( -name 'experimental_*' -o -name 'index-incubating.*' \
      -o -name '*.cjs' ! -path '*/@opentelemetry/api/*' \) -delete

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="cupbearer" \
      org.opencontainers.image.description="HTTP reverse proxy that fetches, caches and injects OAuth tokens" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE routes.yaml routes.schema.json ./
# A volume for the session store starts with its owner and mode.
RUN install -d -o node -g node -m 0700 /var/lib/cupbearer
ENV NODE_ENV=production \
    CUPBEARER_CONFIG=/etc/cupbearer/routes.yaml
# The base image's node, as a number: Kubernetes checks runAsNonRoot by it.
USER 1000:1000
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "require('node:http').get('http://127.0.0.1:9090/livez', (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ENTRYPOINT ["node", "--disable-sigusr1", "/app/dist/main.js"]
CMD ["serve"]
