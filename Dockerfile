# syntax=docker/dockerfile:1
# One static binary on nothing: no shell, no package manager, no root. deploy/scripts/image.sh makes the same file system without
# Docker, from the lines below.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ENV CGO_ENABLED=0 GOFLAGS=-tags=grpcnotrace GOTOOLCHAIN=local
RUN go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/usr/local/bin/ ./cmd/plumbline ./cmd/plumbline-verify
RUN mkdir -p /out/etc/ssl/certs /out/usr/share /out/var/lib/plumbline /out/tmp \
    && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
    && cp "$(go env GOROOT)/lib/time/zoneinfo.zip" /out/usr/share/zoneinfo.zip \
    && cp LICENSE /out/LICENSE \
    && printf 'plumbline:x:65532:65532::/var/lib/plumbline:/sbin/nologin\n' > /out/etc/passwd \
    && printf 'plumbline:x:65532:\n' > /out/etc/group \
    && chown -R 65532:65532 /out/var/lib/plumbline && chmod 700 /out/var/lib/plumbline && chmod 1777 /out/tmp

FROM scratch
LABEL org.opencontainers.image.title=plumbline \
      org.opencontainers.image.description="Cloud posture for SOC 2: what was read, what it means, and what could not be read" \
      org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /out/ /
USER 65532:65532
ENV PATH=/usr/local/bin ZONEINFO=/usr/share/zoneinfo.zip HOME=/var/lib/plumbline PLUMBLINE_DATA_DIR=/var/lib/plumbline PLUMBLINE_SERVER_LISTEN=0.0.0.0:8080
VOLUME /var/lib/plumbline
EXPOSE 8080
ENTRYPOINT ["plumbline"]
CMD ["serve"]
