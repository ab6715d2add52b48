FROM golang:latest AS build
RUN make
