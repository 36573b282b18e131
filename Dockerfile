# One image with every program; the command says which one runs:
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t asyncreply .
#   docker run asyncreply worker --help
#
# Tests build the programs with the line below and run them as this image does:
# alone, as user 65532, in a root that holds little more than themselves.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/ ./cmd/acceptor ./cmd/redrive ./cmd/status ./cmd/worker

# Certificates of authorities, time zones, and the user nonroot; no shell.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/ /usr/local/bin/
COPY deploy/operations.yaml /etc/asyncreply/operations.yaml
ENV OPERATIONS_FILE=/etc/asyncreply/operations.yaml
USER 65532:65532
EXPOSE 8080 8081
CMD ["acceptor"]
