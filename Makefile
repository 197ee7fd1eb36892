# The commands of a contributor. `make check` runs what the gate runs first.
GO ?= go
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 20s
DURATION ?= 10m

.PHONY: help check api test race bench bench-large bench-each soak fuzz lint

help: ## list these goals
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

check: lint test ## lint and test

test: ## run every test, with the default SQLite driver and with the pure-Go one
	$(GO) test ./...
	CGO_ENABLED=0 $(GO) test ./...

api: ## rewrite docs/api.txt, the list of exported names
	$(GO) test -run '^TestAPI$$' ./tests/surface -update

race: ## run every test under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./...

bench: ## compare tier2 with hand-written SQL and plain GORM; writes BENCHMARKS.md
	$(GO) run ./bench

bench-large: ## the same with a million receipts; needs several minutes and 6 GB of disk
	$(GO) run ./bench -large

bench-each: ## run every benchmark alone, in every size, with allocations
	$(GO) test -run '^$$' -bench . -benchmem ./...

soak: ## 8 processes write and read for DURATION, then every row is checked; both engines
	$(GO) run ./tests/soak -duration $(DURATION)

fuzz: ## run each fuzz target for FUZZTIME
	@set -e; for dir in $$($(GO) list -f '{{.Dir}}' ./...); do \
	  for target in $$(cat "$$dir"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do \
	    echo "$$dir $$target"; (cd "$$dir" && $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) .); \
	  done; done

lint: ## gofmt, go vet and the linters of .golangci.yml; the first run builds golangci-lint
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt on:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(GOLANGCI_LINT) run ./...
