FROM golang:1.26.8-bookworm AS build
CMD ["a"]
CMD ["b"]
