# What a person types, and what CI types: the same.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint browser screenshots

demo: $(VENV)/.installed
	$(BIN)/luutru demo

test: $(VENV)/.installed-test browser
	$(BIN)/pytest -n auto --dist loadfile

# Pictures of every page, in both languages and colour schemes, below screenshots/.
screenshots: $(VENV)/.installed-test browser
	$(BIN)/python -m tests.screenshots screenshots

# The tests in a browser drive Debian's Chromium: it is used where it is there, and installed where that is allowed.
browser:
	@command -v chromium >/dev/null \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get install --yes --no-install-recommends chromium; } \
	|| echo "There is no Chromium: what needs a browser is left out. Install the package chromium."

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

$(VENV)/.installed-lint: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[lint]'
	touch $@
