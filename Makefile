# The verbs of this repository. `make run` and `make test` need a Rust toolchain; what else they
# need they install (Debian, as root) or say exactly what to install.

CARGO ?= cargo
DATA_DIR ?= ./.weir
# Where cargo builds.
TARGET = $(abspath $(or $(CARGO_TARGET_DIR),target))

# What tests print is kept there, too.
PRINTED = $(TARGET)/printed
SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c

# Tests of clusters wait more than they work.
TEST_THREADS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

# The web UI becomes part of the binary where it was built; without Node the plain page does.
UI_SOURCES := $(shell find ui/src ui/public ui/scripts ui/index.html ui/vite.config.ts ui/tsconfig.json schemas/openapi -type f 2>/dev/null)

.PHONY: run test test-clusters test-others chaos verify bench bench-peers fmt clean help ui ui-test browser ui-verify pictures

help:
	@echo 'make run     build Weir and start `weir dev` on $(DATA_DIR)'
	@echo 'make ui      build the web UI, which the next build of Weir takes in; needs Node 20.19 or newer'
	@echo 'make test    everything that CI runs'
	@echo 'make chaos   clusters under faults, for an hour; WEIR_SEED repeats a run'
	@echo 'make verify  format, lints, docs, licences'
	@echo 'make bench-peers   other products, from PyPI, at the same job'
	@echo 'make bench   the whole product against bare loops, on 1 GB of records; then the cluster, the schedule, the item history and many projects'

run: tools
	@if scripts/tools node; then $(MAKE) --no-print-directory ui; fi
	$(CARGO) build --locked --workspace --bin weir
	$(TARGET)/debug/weir dev --data-dir $(DATA_DIR)

# Clippy compiles what is tested: it looks at our code on the way, and what that depends on is not checked first and
# built then, which takes minutes. `make verify` does that, and checks the links in the documentation of code as well.
test test-clusters test-others: export RUSTC_WORKSPACE_WRAPPER = clippy-driver
test test-clusters test-others: export CLIPPY_ARGS = -Dwarnings

test: test-tools ui ui-verify
	$(CARGO) fmt --all --check
	$(CARGO) test --locked --workspace --lib --bins --tests --examples --no-run
	@rm -rf $(PRINTED)
	@$(MAKE) --no-print-directory --keep-going --jobs 2 test-clusters test-others || { scripts/failed $(PRINTED)/*; exit 1; }

# Clusters run one at a time and wait more than they work: all else is tested meanwhile, and makes way for them when
# they work, since their tests take longest and look at what happens within seconds. What one of them leaves out, the
# other one runs; that no other test is called so is tested. What failed is named at the end of both.
test-clusters:
	@mkdir -p $(PRINTED)
	$(CARGO) test --locked --workspace --test product -- --test-threads 1 clusters:: 2>&1 | tee $(PRINTED)/clusters

test-others:
	@mkdir -p $(PRINTED)
	nice -n 5 $(CARGO) test --locked --workspace --lib --bins --tests --no-fail-fast -- --test-threads $(TEST_THREADS) --skip clusters:: 2>&1 | tee $(PRINTED)/others; \
	found=$$?; nice -n 5 $(MAKE) --no-print-directory browser 2>&1 | tee $(PRINTED)/browser && exit $$found

ui: ui/dist/index.html

ui/node_modules/.installed: ui/package.json ui/package-lock.json
	@scripts/tools node
	npm --prefix ui ci --ignore-scripts --no-audit --no-fund
	@touch $@

ui/dist/index.html: ui/node_modules/.installed $(UI_SOURCES)
	npm --prefix ui run --silent build
	@touch $@

ui-verify: ui/node_modules/.installed
	npm --prefix ui run --silent check

# Against real engines in a real browser, with the binary that was built last; two of them share a MariaDB.
ui-test: ui/node_modules/.installed
	$(CARGO) build --locked --workspace --bin weir
	$(MAKE) --no-print-directory browser

# With the binary that is there: the tests of Rust have built it already, and with other features of its dependencies.
browser: ui/node_modules/.installed
	npm --prefix ui test --silent
	WEIR_BIN=$(TARGET)/debug/weir npm --prefix ui run --silent browser

# All screens in both colour schemes, to be looked at: make pictures DIR=/tmp/pictures
pictures: ui
	$(CARGO) build --locked --workspace --bin weir
	WEIR_BIN=$(TARGET)/debug/weir npm --prefix ui run --silent pictures -- $(abspath $(DIR))

# One test at a time: what they wait for is mostly time.
chaos: test-tools
	WEIR_CHAOS=1 $(CARGO) test --locked --test product -- --nocapture --test-threads 1 chaos:: clusters::

verify: tools
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps --quiet

bench: test-tools
	$(CARGO) build --locked --workspace --release --bin weir --example bench --example cluster-bench --example schedule-bench --example access-bench --example projects-bench
	./target/release/examples/bench
	./target/release/examples/cluster-bench
	./target/release/examples/schedule-bench
	./target/release/examples/access-bench
	./target/release/examples/projects-bench

# Other products at the same job, from PyPI; Flink needs Java.
bench-peers: test-tools
	test -e target/peers/bin/python || python3 -m venv target/peers
	target/peers/bin/pip install --quiet --requirement examples/peers/requirements.txt
	$(CARGO) build --locked --workspace --release --bin weir --example bench
	BENCH_ONLY=peers BENCH_PYTHON=target/peers/bin/python ./target/release/examples/bench

fmt:
	$(CARGO) fmt --all

clean:
	$(CARGO) clean

# A C compiler builds the embedded SQLite, the compressors and librdkafka, which needs OpenSSL.
.PHONY: tools test-tools
tools:
	@scripts/tools

# The tests start real servers: MariaDB and PostgreSQL as Debian packages them, Kafka from Maven Central.
test-tools:
	@scripts/tools test
