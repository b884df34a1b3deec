# syntax=docker/dockerfile:1
# Both programs as images:
#
#   docker buildx build --target operator --platform linux/amd64,linux/arm64 .
#   docker buildx build --target exporter --platform linux/amd64,linux/arm64 .
#
# With --build-arg FEATURE_MONITOR_REVISION=$(git rev-parse HEAD) and VERSION=0.1.0 they know what they are.
#
# Rust compiles on the builder's own processor for the one that is asked for: emulated, it would take hours.
# Base images are named by tag, not by digest, so that a build gets the fixes of their C library and certificates:
# whoever needs the same bytes again adds digests here.

# The oldest Rust that the workspace allows (rust-version in Cargo.toml), on the Debian of the base image below:
# a program does not start on an older C library than it was linked with.
FROM --platform=$BUILDPLATFORM docker.io/library/rust:1.94-trixie AS toolchain
ARG TARGETARCH
# ring, zstd and jemalloc hold C: a C compiler and C library for the target, unless it is the builder's own.
RUN <<EOT
set -eu
case $TARGETARCH in
  amd64) triple=x86_64-unknown-linux-gnu gcc=x86_64-linux-gnu-gcc packages="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;;
  arm64) triple=aarch64-unknown-linux-gnu gcc=aarch64-linux-gnu-gcc packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;;
  *) echo "built for linux/amd64 and linux/arm64, not for $TARGETARCH" >&2; exit 1 ;;
esac
if ! command -v "$gcc" >/dev/null; then
  apt-get update
  apt-get install --yes --no-install-recommends $packages
  rm -rf /var/lib/apt/lists/*
fi
rustup target add "$triple"
echo "$triple" >/triple
EOT
# jemalloc is built for one size of memory pages: kernels for arm64 may have pages of up to 64 KiB (2^16 bytes).
ENV CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    AARCH64_UNKNOWN_LINUX_GNU_JEMALLOC_SYS_WITH_LG_PAGE=16
WORKDIR /src
COPY . .
# Cargo tells by a file's time whether it changed, and the cache below outlives this source: an older checkout would
# be taken for built.
RUN find . -name '*.rs' -exec touch {} +

FROM toolchain AS build-operator
ARG FEATURE_MONITOR_REVISION=unknown
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release --target "$(cat /triple)" -p feature-monitor-operator --bin feature-monitor-operator \
    && cp "target/$(cat /triple)/release/feature-monitor-operator" /

FROM toolchain AS build-exporter
ARG FEATURE_MONITOR_REVISION=unknown
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release --target "$(cat /triple)" -p feature-monitor-exporter --bin feature-monitor-exporter \
    && cp "target/$(cat /triple)/release/feature-monitor-exporter" /

# C library, certificates of the public authorities and time zones; no shell. The user of `nonroot` is 65532, written
# as a number because the kubelet must see that it is not root.
FROM gcr.io/distroless/cc-debian13:nonroot AS base
USER 65532:65532
WORKDIR /

FROM base AS exporter
ARG FEATURE_MONITOR_REVISION=unknown
ARG VERSION=unknown
LABEL org.opencontainers.image.title="feature-monitor-exporter" \
      org.opencontainers.image.description="Pulls features from an Arrow Flight server, compares them with a baseline, and serves the result to Prometheus." \
      org.opencontainers.image.source="https://github.com/feature-monitor/feature-monitor" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$FEATURE_MONITOR_REVISION"
COPY LICENSE /licenses/
COPY --from=build-exporter /feature-monitor-exporter /
EXPOSE 9464
ENTRYPOINT ["/feature-monitor-exporter"]

FROM base AS operator
ARG FEATURE_MONITOR_REVISION=unknown
ARG VERSION=unknown
LABEL org.opencontainers.image.title="feature-monitor-operator" \
      org.opencontainers.image.description="Runs one exporter for each FeatureMonitor of a Kubernetes cluster." \
      org.opencontainers.image.source="https://github.com/feature-monitor/feature-monitor" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$FEATURE_MONITOR_REVISION"
COPY LICENSE /licenses/
COPY --from=build-operator /feature-monitor-operator /
EXPOSE 9465
ENTRYPOINT ["/feature-monitor-operator"]
