# make demo    see what whyloss says about a recorded training run
# make test    the tests, with light dependencies only (no torch, no keras)
# make lint    style, types and the order of imports
# make docs    write the generated pages and the picture of the README again
# make pictures take the pictures of the report again (needs Chromium)
# make site    build the documentation into docs/_build/html
# make bench   time whyloss and its peers side by side (a quarter of an hour)
# make bench-diagnosis    score the diagnosis on known causes (a quarter of an hour)
# make clean   remove what these left behind; `make distclean` removes .venv too
#
# Everything is installed into .venv; nothing else on the machine changes.
# README.md spells the same commands out for a machine without make.

VENV := .venv
BIN := $(VENV)/bin

# The first Python that is new enough, or `make PYTHON=/path/to/python`.
# Each candidate is run, because version managers leave shims that do not work.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$python; break; }; done)

.DELETE_ON_ERROR:
.PHONY: demo test docs pictures site bench bench-diagnosis lint lint-style lint-types lint-imports lint-docstrings venv clean distclean

demo: $(VENV)/.installed
	$(BIN)/whyloss demo

# On all processors; make test ARGS='-k summary', ARGS='-n 0 --pdb' …
test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# What the documentation takes from the code itself.
docs: $(VENV)/.installed
	$(BIN)/python tools/rule_pages.py docs/rules
	$(BIN)/python tools/example_files.py docs/examples
	$(BIN)/python tools/cli_page.py docs/cli.md
	$(BIN)/python tools/glossary_page.py docs/glossary.md
	$(BIN)/python tools/capture.py docs/images/demo.svg

# The pictures of the report, with Chromium.
pictures: $(VENV)/.installed-browser
	$(BIN)/python tools/screenshot.py docs/images

# Warnings are errors: every link inside the documentation resolves.
site: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -b html docs docs/_build/html

# Four parts, so that `make --keep-going lint` shows everything at once.
lint: lint-style lint-types lint-imports lint-docstrings

lint-style: $(VENV)/.installed-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lint-types: $(VENV)/.installed-lint
	$(BIN)/mypy

lint-imports: $(VENV)/.installed-lint
	$(BIN)/lint-imports

# The rooms whose docstrings are complete. The docstrings of commands are what --help prints.
DOCUMENTED := $(addprefix src/whyloss/,api cases data engines evidence measures recorders remedies \
	results verbs cli/options.py cli/output.py cli/stdin.py errors.py formatting.py references.py)

lint-docstrings: $(VENV)/.installed-lint
	$(BIN)/python -m numpydoc lint $$(find $(DOCUMENTED) -name '*.py')

# make bench ARGS=--quick
bench: $(VENV)/.installed-bench
	$(BIN)/python benchmarks $(ARGS)

# make bench-diagnosis ARGS='--quick --part simulated'
bench-diagnosis: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.diagnosis $(ARGS)

venv: $(VENV)/.ready

# The stamps say what is installed; they age when pyproject.toml changes.
$(VENV)/.ready:
	@test -n "$(PYTHON)" || { echo "error: expected Python 3.11 or newer, found none." \
	"Install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) tools/bootstrap.py $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.ready pyproject.toml
	$(BIN)/python -m pip install --editable .
	@touch $@

$(VENV)/.installed-%: $(VENV)/.ready pyproject.toml
	$(BIN)/python -m pip install --editable '.[$*]'
	@touch $@

clean:
	rm -rf build dist docs/_build whyloss-report.html .coverage
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) .venv-newest .venv-lowest
