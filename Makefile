# make demo · make check · make test · make office · make model · make simulation · make chaos · make forged · make mutants · make drill · make bench
CARGO ?= cargo

.PHONY: demo check lint deny test office model simulation chaos forged mutants drill bench

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

# The spreadsheets of the tests made anew by openpyxl and the LibreOffice of this machine, which are installed for it (Debian,
# Ubuntu), and read as those that are kept.
office:
	fixtures/uploads/sheets/office.sh target/office
	GABA_SHEETS=$(CURDIR)/target/office $(CARGO) test --test all -- sheets:: matrix::every

# A million steps of batches and payouts against their model; `make test` takes some thousands.
model:
	GABA_MODEL_STEPS=1000000 $(CARGO) test --test all -- model:: --nocapture

# Faults by the thousand on real processes, one after the other; docs/RELIABILITY.md tells of it. FAULT=zombie: one of them.
chaos:
	GABA_CHAOS_SCALE=$${GABA_CHAOS_SCALE:-1} $(CARGO) test --test all -- chaos::$(FAULT) --nocapture --test-threads=1

# Twenty times a machine is lost and a backup that lacks the last payments is restored; `make test` does it twice.
drill:
	GABA_DRILLS=20 $(CARGO) test --test all -- drill:: --nocapture

# The engine in a world of faults, for some hours; `make test` takes 200 walks.
simulation:
	GABA_SIM_SEEDS=10000 $(CARGO) test --test all -- simulation::whatever --nocapture

# A hundred thousand receipts that nobody should believe, against a server over HTTP.
forged:
	GABA_FORGED=100000 $(CARGO) test --test all -- api::forged --nocapture --test-threads=1

# The engine without each of its guards in turn: whoever judges it must notice. GABA_BLESS=1 writes docs/RELIABILITY.md.
mutants:
	GABA_MUTANTS=all $(CARGO) test --test all -- mutants:: --nocapture --test-threads=1

bench:
	$(CARGO) bench --bench throughput
	$(CARGO) bench --bench import
	$(CARGO) bench --bench reports
