# The verbs of this repository. `make run` and `make test` need a Rust toolchain; what else they
# need they install (Debian, as root) or say exactly what to install.

CARGO ?= cargo
DATA_DIR ?= ./.weir

.PHONY: run test chaos verify bench bench-peers fmt clean help

help:
	@echo 'make run     build Weir and start `weir dev` on $(DATA_DIR)'
	@echo 'make test    everything that CI runs'
	@echo 'make chaos   clusters under faults, for an hour; WEIR_SEED repeats a run'
	@echo 'make verify  format, lints, docs, licences'
	@echo 'make bench-peers   other products, from PyPI, at the same job'
	@echo 'make bench   the whole product against bare loops, on 1 GB of records; then the cluster, the schedule and the item history'

run: tools
	$(CARGO) build --locked --workspace --bin weir
	./target/debug/weir dev --data-dir $(DATA_DIR)

test: test-tools verify
	$(CARGO) test --locked --workspace --no-fail-fast

# One test at a time: what they wait for is mostly time.
chaos: test-tools
	WEIR_CHAOS=1 $(CARGO) test --locked --test product -- --nocapture --test-threads 1 chaos cluster

verify: tools
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps --quiet

bench: test-tools
	$(CARGO) build --locked --workspace --release --bin weir --example bench --example cluster-bench --example schedule-bench --example access-bench
	./target/release/examples/bench
	./target/release/examples/cluster-bench
	./target/release/examples/schedule-bench
	./target/release/examples/access-bench

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
