# The server as an image: one static binary on an empty root, run by nobody in
# particular. `make image` builds it; `deploy/check/image.sh` builds and runs it
# without a container engine.
#
# The build runs on the builder's own architecture and compiles for the target's,
# so that no emulator is needed.
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build

WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN make bin/eventflow RELEASE=1 VERSION="$VERSION" TARGETOS="$TARGETOS" TARGETARCH="$TARGETARCH"

# What the last stage copies: scratch can neither make folders nor own them.
RUN install -d -o 65532 -g 65532 -m 0700 /root-of-image/var/lib/eventflow \
 && install -d -m 1777 /root-of-image/tmp \
 && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ca-certificates.crt \
 && install -D -m 0644 LICENSE /root-of-image/usr/share/doc/eventflow/LICENSE \
 && install -D -m 0755 bin/eventflow /root-of-image/usr/bin/eventflow \
 && printf 'eventflow:x:65532:65532:EventFlow:/var/lib/eventflow:/sbin/nologin\n' > /root-of-image/etc/passwd \
 && printf 'eventflow:x:65532:\n' > /root-of-image/etc/group

FROM scratch

ARG VERSION=dev
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="EventFlow" \
      org.opencontainers.image.description="Ingest, store and deliver application events" \
      org.opencontainers.image.source="https://github.com/eventflow-go/eventflow" \
      org.opencontainers.image.documentation="https://github.com/eventflow-go/eventflow/blob/main/docs/deployment.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"

COPY --from=build /root-of-image/ /

# By number: an orchestrator that refuses root cannot look up a name.
USER 65532:65532
# The only place that is written to; SQLite also puts its temporary files here.
WORKDIR /var/lib/eventflow
VOLUME ["/var/lib/eventflow"]
ENV EVENTFLOW_STORE=sqlite:/var/lib/eventflow
EXPOSE 8080
STOPSIGNAL SIGTERM

# There is no shell and no curl: the binary asks itself, by the same settings.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/usr/bin/eventflow", "health"]

ENTRYPOINT ["/usr/bin/eventflow"]
CMD ["serve"]
