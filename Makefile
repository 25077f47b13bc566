# make demo · make check · make test · make model · make simulation · make drill · make bench
CARGO ?= cargo

.PHONY: demo check lint deny test model simulation drill bench

demo:
	$(CARGO) run -- demo

# What must hold before anything is merged.
check: lint deny test

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

deny:
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install cargo-deny --locked
	$(CARGO) deny check

test:
	$(CARGO) test

# A million steps of batches and payouts against their model; `make test` takes some thousands.
model:
	GABA_MODEL_STEPS=1000000 $(CARGO) test --test all -- model:: --nocapture

# Twenty times a machine is lost and a backup that lacks the last payments is restored; `make test` does it twice.
drill:
	GABA_DRILLS=20 $(CARGO) test --test all -- drill:: --nocapture

# The engine in a world of faults, for some hours; `make test` takes 200 walks.
simulation:
	GABA_SIM_SEEDS=10000 $(CARGO) test --test all -- simulation::whatever --nocapture

bench:
	$(CARGO) bench --bench throughput
	$(CARGO) bench --bench import
	$(CARGO) bench --bench reports
