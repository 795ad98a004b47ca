# make demo · make test · make check · make bench · make cheats · make simulate · make fuzz · make fuzz-http · make mutate.
# Needs Rust, Node with npm, Python and a C and C++ compiler; the rest is installed here.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo explorer test test-contracts test-explorer test-browser test-deep mutate test-rust check kernels bench cheats simulate fuzz fuzz-http tools programs

# What is passed to every cargo command that builds; CI passes --locked.
CARGO_FLAGS ?=
PROGRAMS := $(or $(CARGO_TARGET_DIR),target)/debug
# npm writes this file last, so it tells whether an installation is complete and as new as its lock file.
CHAIN := contracts/node_modules/.package-lock.json
LINTER := proto/node_modules/.package-lock.json
EXPLORER := dashboards/explorer/node_modules/.package-lock.json

help: ## says what there is
	@sed -n 's/^\([a-z-]*\):.*## /make \1 - /p' Makefile

demo: tools $(CHAIN) explorer programs ## runs a whole market; ARGS=--once ends it by itself, ARGS=--help says more
	@$(PROGRAMS)/gpux-market $(ARGS)

explorer: tools $(EXPLORER) ## builds the pages that the oracle serves under /explorer
	cd dashboards/explorer && npm run --silent build -- --logLevel warn

test: test-contracts test-explorer test-rust ## runs every test

test-contracts: tools $(CHAIN)
	cd contracts && npm test --silent

test-explorer: tools $(EXPLORER)
	cd dashboards/explorer && npm test --silent

test-browser: tools $(EXPLORER) ## tries the explorer in a headless Chromium, which must be installed
	cd dashboards/explorer && npm run --silent test:browser

test-deep: tools $(CHAIN) ## searches the contracts' statements with 10,000 runs each, for hours
	cd contracts && npm run --silent test:deep

mutate: tools $(CHAIN) ## alters the contracts one place at a time and counts what the tests find; ARGS="--sample 50 --seed 2"
	cd contracts && npm run --silent mutate -- $(ARGS)

# The end-to-end tests start the real programs, which cargo builds for tests only when it is asked to: with everything else,
# since a build of the programs alone has other features of some crates, and would compile most of the workspace twice.
test-rust: tools $(CHAIN)
	cargo build $(CARGO_FLAGS) --workspace --all-targets
	cargo test $(CARGO_FLAGS) --workspace

check: tools $(CHAIN) $(LINTER) $(EXPLORER) ## formats, lints, generated files, links
	cargo fmt --all --check
	cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings
	cd proto && node_modules/.bin/buf lint && node_modules/.bin/buf breaking --against published.binpb
	cd contracts && npm run --silent check
	cd dashboards/explorer && npm run --silent check
	node scripts/check.mjs
	python3 kernels/cuda/build.py check

kernels: tools ## compiles the probe kernels to the PTX that is committed
	python3 kernels/cuda/build.py generate

bench: programs ## measures what has a budget
	cargo build $(CARGO_FLAGS) --package gpux-oracle --example bench_store --example bench_fold
	@$(PROGRAMS)/gpux-bench $(ARGS)

simulate: tools ## tries the method's promises on simulated markets; ARGS="--seed 2" for others
	cargo build $(CARGO_FLAGS) --package gpux-tests --bin gpux-simulate
	@$(PROGRAMS)/gpux-simulate $(ARGS)

cheats: programs ## plays every cheating prover 1,000 times; ARGS="--runs 50 --seed 7 --only NAME"
	@$(PROGRAMS)/gpux-cheats $(ARGS)

fuzz: ## searches every parser of foreign bytes, 5 minutes each; ARGS="60 frames stream" searches two for a minute
	@tests/fuzz/run $(ARGS)

fuzz-http: tools ## asks an oracle whatever its OpenAPI document allows and forbids, for minutes; ARGS="200" examples an operation
	@tests/fuzz/http $(ARGS)

programs: tools
	cargo build $(CARGO_FLAGS) --workspace --bins

tools:
	@scripts/tools

%/node_modules/.package-lock.json: %/package-lock.json %/package.json | tools
	cd $* && npm ci --no-audit --no-fund
	@touch $@
