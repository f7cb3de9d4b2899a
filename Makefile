# One verb per need. Everything happens in .venv, which is made when it is missing.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench clean docs
.DEFAULT_GOAL := demo

# Exit code 1 is the demo's right answer: the mail would be refused. A program that cannot even start
# ends with 1 too, hence the first line.
demo: .venv/installed
	@$(BIN)/senderauth --version >/dev/null
	@$(BIN)/senderauth check shop@webshop.example --host 203.0.113.9 --demo || [ $$? -eq 1 ]

# The linters first, so that the tests' closing line is the last one.
test: check
	@$(BIN)/pytest -n 2 --cov

check: .venv/editable
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: .venv/editable  # a table of ratios; settings such as RUNS=5 in benchmarks/__main__.py
	@$(BIN)/python -m benchmarks

docs: .venv/editable  # the pages that are made from the data
	@$(BIN)/python -m senderauth.report.pages docs

clean:
	rm -rf .venv build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "senderauth needs Python 3.11 or newer, $(PYTHON) is older or missing: make PYTHON=python3.11 ..." >&2; \
	  exit 2; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 2; }

# The demo is what a user gets: installed, not linked. Installed anew when a source file has changed.
.venv/installed: .venv/bin/python pyproject.toml $(shell find senderauth -type f -not -path '*/__pycache__/*')
	@rm -rf build  # files that are gone would be packed again
	@$(BIN)/pip install --quiet --disable-pip-version-check .
	@rm -rf build .venv/editable; touch $@

.venv/editable: .venv/bin/python pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@rm -f .venv/installed; touch $@
