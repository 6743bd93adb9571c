# flowod and its pages, without PostgreSQL: DATABASE_URL or POSTGRES_HOST names a server. See docker-compose.yml.

# The images to build from. `--build-arg` names others, or the same by digest: NAME@sha256:...
ARG NODE_IMAGE=node:20-bookworm-slim
ARG RUST_IMAGE=rust:1.95-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS node

FROM ${RUST_IMAGE} AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && rustup target add wasm32-unknown-unknown

# Where `cargo xtask` keeps what it installs and builds.
ENV FLOWO_CACHE=/cache

WORKDIR /src
COPY . .
# The program carries its pages: its build script makes them with `cargo xtask site`, which installs node modules.
RUN cargo build --release --locked --package server --bin flowod --target-dir /cache/server \
 && install -D /cache/server/release/flowod /out/flowod

FROM ${BASE_IMAGE}
# Certificates for a PostgreSQL that is reached over TLS.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin flowo \
 && install -d -o flowo -g flowo -m 0700 /var/lib/flowo
COPY --from=build /out/flowod /usr/local/bin/flowod

EXPOSE 3100
USER flowo
WORKDIR /

# There is no curl in this image, so bash makes the request. The answer is 200 while reports can be accepted.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/3100 && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == 'HTTP/1.1 200'* ]]"]

ENTRYPOINT ["flowod"]
# Listens on all addresses of the container; the published ports decide what others can reach.
CMD ["serve", "--listen", "0.0.0.0:3100"]
