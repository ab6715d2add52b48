FROM golang:1.26.8-bookworm AS build
ENV EVENTFLOW_SECRET=abc
