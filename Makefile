# asyncreply: `make help` lists what can be done.

GO          ?= go
# The race detector needs a C compiler; `make test RACE=` goes without.
RACE        ?= -race
# Packages tested at a time: they wait for processes and browsers more than they compute.
PARALLEL    ?= 3
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.8.0
FUZZTIME    ?= 30s
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS     := -s -w -X main.version=$(VERSION)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build every command into bin/
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

.PHONY: run
run: build ## Run the whole system on this machine; ARGS='--ports free' passes flags on
	@exec bin/local $(ARGS)

.PHONY: test
test: ## Run all tests against Azurite and the broker, with the race detector
	$(GO) test $(RACE) -p $(PARALLEL) -timeout 10m ./...
	$(GO) test $(RACE) -tags failpoints ./cmd/internal/failpoint
	@GO='$(GO)' FUZZTIME=3000x .ci/fuzz

.PHONY: check-deploy
check-deploy: ## Check the deployment to Azure as far as can be without Azure (a part of test)
	$(GO) test $(RACE) ./deploy/...

.PHONY: lint
lint: ## Check formatting, go vet, staticcheck, module tidiness, known vulnerabilities
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags failpoints ./cmd/...
	$(GO) run $(STATICCHECK) ./...
	$(GO) mod tidy -diff
	$(GO) mod verify
	@GO='$(GO)' GOVULNCHECK='$(GOVULNCHECK)' .ci/govulncheck

.PHONY: fmt
fmt: ## Format the code
	gofmt -w .

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (default 30s) each
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' .ci/fuzz

.PHONY: bench
bench: build ## Measure the services beside their limits (4 minutes on an idle machine); ARGS='--only burst' for less
	bin/bench --bin bin $(ARGS)

.PHONY: profile
profile: build ## Take CPU and allocation profiles of the services under the loads of make bench
	bin/bench --bin bin --profile bin/profiles $(ARGS)

.PHONY: bench-broker
bench-broker: ## Measure the Service Bus broker with the stock SDK (under a minute)
	$(GO) run ./cmd/bench-broker

# What repeats a run of chaos; without SEED one is drawn.
SEED        ?= 0
JOBS        ?= 1000
SECONDS     ?= 60

.PHONY: chaos
chaos: ## Prove the promises under faults; SEED=1 JOBS=1000 SECONDS=60 repeats a run
	$(GO) build -o bin/failpoints/ ./cmd/chaos
	bin/failpoints/chaos --build --bin bin/failpoints --seed $(SEED) --jobs $(JOBS) --load $(SECONDS)s --log bin/failpoints/chaos.log $(ARGS)

.PHONY: clean
clean: ## Remove what was built and what `make run` left
	rm -rf bin .local
