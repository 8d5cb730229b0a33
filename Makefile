# Every command of this repository; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run cluster test check format ceilings benchmark storm experiments simulate faults fuzz
ARGUMENTS ?=
SECONDS ?= 60
SEEDS ?= 2000
SEED ?= 0
FAULT ?=

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## install what is missing, build for release, start a broker and say where it listens (ARGUMENTS="--config FILE")
	@scripts/run $(ARGUMENTS)

cluster: ## install what is missing, build for release, start three NATS servers and three brokers on loopback as one, and say where each listens
	@scripts/cluster

test: ## run every test: the tree's form, ours, and outside clients against the binary
	@scripts/test

check: ## hold the tree to its form without building it: format, lint, imports, words, sizes, links
	@scripts/check

format: ## bring the Swift files into form
	swift format --in-place --recursive --parallel Package.swift $(wildcard Sources Tests Fuzz)

ceilings: ## measure what a shard allocates, hands over and executes, and how large hot types are, and write the new ceilings
	@scripts/ceilings --write

benchmark: ## drive mosquitto and Martlet with the same loads and print the ratios
	@scripts/benchmark

storm: ## offer a broker that has 30 % of a core more new clients than it can serve, over QUIC (also with early data) and TLS (needs root)
	@scripts/storm

experiments: ## measure TCP, TLS and QUIC on bad links that our emulator makes, and draw what comes of it (needs root)
	@scripts/experiments

simulate: ## kill a simulated broker with a store, and nodes of a simulated cluster, at random with SEEDS=2000 seeds from SEED=0 on, and hold them to what they acknowledged
	@MARTLET_SIMULATE=1 MARTLET_SEEDS=$(SEEDS) MARTLET_SEED=$(SEED) \
		swift test -c release --scratch-path .build-simulate --filter 'RandomCrashesTests/crashes|RandomClustersTests/survives'

faults: ## let a simulated broker, or the nodes of a simulated cluster, make each mistake on purpose (or FAULT=name), and say which seed of the simulation finds it
	@MARTLET_SIMULATE=1 MARTLET_FAULT=$(FAULT) \
		swift test -c release --scratch-path .build-simulate --filter findsFault

fuzz: ## run every fuzzer for SECONDS=60; a find becomes a file that the tests replay
	@scripts/fuzz $(SECONDS)
