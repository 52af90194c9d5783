# The one way to run things: `make run`, `make test`. `make` alone lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadscope

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-sqlite test-postgres check check-style check-types check-contracts check-migrations \
	check-deployment sdk bench format lock clean

help:
	@echo "make run       start Chancery here: make run [PORT=8000] [HOST=127.0.0.1]"
	@echo "make test      the whole suite, on SQLite and on PostgreSQL"
	@echo "make test-fast the rooms where rules are decided, on SQLite: under three minutes"
	@echo "make check     style, types, import contracts, migrations, deployment settings"
	@echo "make sdk       write the generated files of the clients in sdk/ anew"
	@echo "make bench     measure Chancery beside its floors: make bench [ARGS=\"ocsp issue --rows 10k\"]"
	@echo "make format    put the code into the house's form"
	@echo "make lock      choose the newest fitting versions of all requirements anew"
	@echo "make clean     remove what make itself has made (never var/, where the keys are)"

# PORT is taken from the environment too; HOST only from the command line, for some shells set it to their own ends.
run: export CHANCERY_PORT := $(or $(PORT),$(CHANCERY_PORT),8000)
ifeq ($(origin HOST),command line)
run: export CHANCERY_HOST := $(HOST)
endif
run: $(VENV)/.run
	@exec $(BIN)/python manage.py start

test: test-sqlite test-postgres

# Between two edits: policy, keys, issuance, revocation, the log. Pages, APIs, clients and processes come with `make test`.
test-fast: $(VENV)/.dev
	$(PYTEST) tests/kernel tests/audit tests/accounts tests/cas tests/certificates tests/architecture

test-sqlite: $(VENV)/.dev
	$(PYTEST)

test-postgres: $(VENV)/.dev
	$(BIN)/python -m tests.servers $(PYTEST) --database-only

# `make -k check` tells all that is wrong at once.
check: check-style check-types check-contracts check-migrations check-deployment

check-style: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: $(VENV)/.dev
	$(BIN)/mypy .
	cd sdk/python && ../../$(BIN)/mypy

check-contracts: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

check-migrations: $(VENV)/.dev
	DJANGO_SETTINGS_MODULE=pkiproject.settings_test $(BIN)/python -W ignore manage.py makemigrations --check --dry-run

check-deployment: $(VENV)/.dev
	$(BIN)/python -m tests.production manage.py check --deploy --fail-level WARNING

sdk: $(VENV)/.dev
	$(BIN)/python -m sdk.generate

# The first run fills databases, which takes minutes, and keeps them in bench/.data.
bench: $(VENV)/.dev
	$(BIN)/python -m bench $(ARGS)

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
LOCK := $(COMPILE) pyproject.toml
EXTRA := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["pkcs11"])

lock: $(VENV)/.dev
	$(BIN)/pip install --quiet "uv>=0.13,<0.14"
	$(LOCK) -o requirements.txt
	$(LOCK) --extra dev -c requirements.txt -o requirements-dev.txt
	$(BIN)/python -c '$(EXTRA)' | $(COMPILE) - -c requirements-dev.txt -o requirements-pkcs11.txt

# The stamps say which list of requirements the environment was made from.
$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ $(VENV)/.run

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Chancery needs Python 3.11 or later; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
