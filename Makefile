# Everything a contributor runs. `make check` is what the gate runs first.
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 20s
DURATION ?= 10m

.PHONY: help check api test race bench bench-large bench-each soak fuzz lint

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

check: lint test ## lint and test

test: ## every test, with the default driver and with the pure-Go one
	$(GO) test ./...
	CGO_ENABLED=0 $(GO) test ./...

api: ## rewrite docs/api.txt, the list of exported names
	$(GO) test -run '^TestAPI$$' ./tests/surface -update

race: ## every test under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./...

bench: ## tier2 beside hand-written SQL and plain GORM; writes BENCHMARKS.md
	$(GO) run ./bench

bench-large: ## the same with a million receipts; needs some minutes and 6 GB of disk
	$(GO) run ./bench -large

bench-each: ## every benchmark alone, in every size, with allocations
	$(GO) test -run '^$$' -bench . -benchmem ./...

soak: ## 8 processes write and read for DURATION, then all of it is checked; both engines
	$(GO) run ./tests/soak -duration $(DURATION)

fuzz: ## every fuzz target for FUZZTIME each
	@set -e; for dir in $$($(GO) list -f '{{.Dir}}' ./...); do \
	  for target in $$(cat "$$dir"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do \
	    echo "$$dir $$target"; (cd "$$dir" && $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) .); \
	  done; done

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt on:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
