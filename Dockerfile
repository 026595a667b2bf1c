# The exporter as an image:
#
#   docker build --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse --short=12 HEAD)" \
#     -t ssh_refusal_exporter .
#   docker run -p 10062:10062 \
#     -v "$PWD/exporter.yml:/etc/ssh_refusal_exporter/exporter.yml:ro" ssh_refusal_exporter
#
# Probing needs no capability: ICMP errors are read from the socket's own error queue.

FROM debian:bookworm AS build
WORKDIR /src
# In the order of how seldom they change: packages, civetweb, then the sources.
COPY scripts/install-packages scripts/install-packages
COPY scripts/packages scripts/packages
RUN scripts/install-packages scripts/packages/build.txt
COPY scripts/fetch-civetweb scripts/fetch-civetweb
RUN scripts/fetch-civetweb
COPY . .
ARG REVISION=""
RUN cmake --preset release -DSSH_REFUSAL_BENCH=OFF -DSSH_REFUSAL_REVISION="${REVISION}" \
 && scripts/build release ssh_refusal_exporter \
 && DESTDIR=/image cmake --install build/release --prefix /usr --strip
# The packages of the shared libraries that the binary names: a list nobody has to keep. A library
# may be registered below /lib though it lies in /usr/lib, so both names are asked for.
RUN ldd /image/usr/bin/ssh_refusal_exporter | awk '$2 == "=>" { print $3 }' >libraries.txt \
 && { cat libraries.txt; xargs -a libraries.txt realpath; } \
  | xargs dpkg-query --search 2>/dev/null | cut -d: -f1 | sort -u >packages.txt \
 && grep -q . packages.txt

FROM debian:bookworm-slim
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="ssh_refusal_exporter" \
      org.opencontainers.image.description="Prometheus exporter: can a new SSH connection get in, and if not, what refuses it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="debian:bookworm-slim"
COPY --from=build /src/packages.txt /tmp/packages.txt
RUN apt-get update -qq \
 && xargs -a /tmp/packages.txt apt-get install -y -qq --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* /tmp/packages.txt
COPY --from=build /image/usr/bin/ssh_refusal_exporter /usr/bin/ssh_refusal_exporter
COPY LICENSE /usr/share/doc/ssh_refusal_exporter/LICENSE
COPY config/exporter.yml /etc/ssh_refusal_exporter/exporter.yml
# A container has no SSH server of its own; README.md says how to watch its host.
RUN printf '\nlocal:\n  enabled: false\n' >>/etc/ssh_refusal_exporter/exporter.yml
# A number, so that an orchestrator can see that it is not root.
USER 10062:10062
EXPOSE 10062
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s \
  CMD ["/usr/bin/ssh_refusal_exporter", "healthcheck"]
ENTRYPOINT ["/usr/bin/ssh_refusal_exporter"]
