# Everything a person or CI does with this project. `make` alone says what there is.
# What is expensive and not part of the source lies in $XDG_CACHE_HOME/feature-monitor (or ~/.cache/feature-monitor),
# so that a second checkout starts warm.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo cluster cluster-down test bench bench-operator calibration-report generate tools venv data pictures boards clean

PORT ?= 9464
TARGET := $(or $(CARGO_TARGET_DIR),target)
# The groups of programs that the tests run.
TOOLS := tests kubernetes node load monitoring collector

help:  ## say what there is
	@echo "feature-monitor: true numbers about machine-learning features, for Prometheus"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Options of make demo: WEEKS=8 (judge this many weeks), ONCE=1 (then end, with a summary), PORT=9464."
	@echo "Options of make bench-operator: OPTIONS='--steady=60 --runs=3', and more that --help in OPTIONS tells."
	@echo "Options of make boards: OPTIONS='--range now-7d --keep overview-dark-1366', and more that --help in OPTIONS tells."
	@echo "Options of make cluster: PORT=9464, and CLUSTER=existing, which says itself what else it needs."

demo: ## replay 34 weeks of real customers through a Flight server and watch them drift (first time: about 8 minutes)
	@tests/setup/prerequisites.sh rust python
	@python=$$(tests/setup/python.sh); \
	  exec "$$python" tests/demo/demo.py --port $(PORT) $(if $(WEEKS),--weeks $(WEEKS)) $(if $(filter-out 0,$(ONCE)),--once)

cluster: ## the same in Kubernetes: start a cluster of one node, install the chart, apply the example (root; first time: about 30 minutes)
	@tests/setup/prerequisites.sh python $(if $(filter existing,$(CLUSTER)),,rust go)
	@python=$$(tests/setup/python.sh); exec "$$python" tests/demo/cluster.py up --port $(PORT)

cluster-down: ## end that cluster and remove everything of it
	@tests/setup/prerequisites.sh python
	@python=$$(tests/setup/python.sh); exec "$$python" tests/demo/cluster.py down

test: ## format, lints and every test (first time: about an hour)
	@tests/setup/prerequisites.sh rust go python
	@tests/setup/tools.sh $(TOOLS) >/dev/null
	@$$(tests/setup/python.sh) tests/data/weekly_features.py >/dev/null
	cargo fmt --all --check
	@echo "Compiling everything twice, for the lints and for the tests (first time: about 6 minutes each on 2 cores)"
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo build --locked --workspace --all-targets
	cargo test --locked --workspace

bench: ## kernels in ns per cell, the closing of a window, and one full evaluation against draining the stream (first time: about 45 minutes)
	@tests/setup/prerequisites.sh rust python
	cargo bench --locked --workspace --bench kernels --bench closing --bench exposition --bench rules
	cargo build --locked --release --workspace --example bench_evaluation
	@python=$$(tests/setup/python.sh); \
	  exec "$$python" tests/bench/evaluation.py "$(TARGET)/release/examples/bench_evaluation"

calibration-report: ## simulate whether the false-alarm budget holds, and write docs/calibration.md (about 10 minutes)
	@tests/setup/prerequisites.sh rust
	cargo build --locked --workspace --examples
	"$(TARGET)/debug/examples/calibration_report" > docs/calibration.md.new
	mv docs/calibration.md.new docs/calibration.md

bench-operator: ## 1,000 and 10,000 monitors: time against a plain client, writes, memory (about 45 minutes, and 20 more the first time)
	@tests/setup/prerequisites.sh rust go python
	@tests/setup/tools.sh kubernetes load >/dev/null
	cargo build --locked --release --workspace --bin feature-monitor-operator --example bench_client
	@exec $(or $(PYTHON),python3) tests/bench/convergence.py "$(TARGET)/release" $(OPTIONS)

generate: ## write the generated files anew: the CRD, the references of metrics and alerts, the boards, and the chart's copies
	@tests/setup/prerequisites.sh rust python
	cargo build --locked -q --workspace --example crdgen --example docs --example generated
	"$(TARGET)/debug/examples/crdgen"
	"$(TARGET)/debug/examples/docs" > docs/metrics.md.new
	mv docs/metrics.md.new docs/metrics.md
	"$(TARGET)/debug/examples/generated" docs > docs/alerts.md.new
	mv docs/alerts.md.new docs/alerts.md
	"$(TARGET)/debug/examples/generated" rules > rules.yaml.new
	mv rules.yaml.new charts/feature-monitor/files/rules.yaml
	"$(TARGET)/debug/examples/generated" boards charts/feature-monitor/files/boards
	$(or $(PYTHON),python3) charts/generate.py

pictures: ## photograph the exporter's page as the README shows it, light and dark, wide and narrow
	@tests/setup/prerequisites.sh rust python chromium
	@python=$$(tests/setup/python.sh); exec "$$python" tests/demo/pictures.py

boards: ## ask every query of the boards over 30 days of history, and draw them in target/pictures/boards (first time: about 15 minutes)
	@tests/setup/prerequisites.sh rust go python node chromium
	@tests/setup/tools.sh tests monitoring >/dev/null
	@python=$$(tests/setup/python.sh); wrong=0; \
	  "$$python" tests/boards/queries.py --bound 1 || wrong=1; \
	  "$$python" tests/boards/draw.py $(OPTIONS) || wrong=1; exit $$wrong

tools: ## build Prometheus, an S3 server and Kubernetes for the tests into the cache
	@tests/setup/prerequisites.sh go
	@tests/setup/tools.sh $(TOOLS)

venv: ## install the Python packages into the cache
	@tests/setup/prerequisites.sh python
	@tests/setup/python.sh

data: ## make the weekly customer features in the cache
	@tests/setup/prerequisites.sh python
	@exec $$(tests/setup/python.sh) tests/data/weekly_features.py

clean: ## remove what was built in this checkout; the cache stays
	cargo clean
