FROM golang:1.26.8-bookworm AS build
CMD eventflow serve
