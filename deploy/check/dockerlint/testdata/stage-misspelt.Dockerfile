FROM golang:1.26.8-bookworm AS build
FROM scratch
COPY --from=biuld /a /a
