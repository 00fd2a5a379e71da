# make demo   every notebook on the built-in world, then the main table         make test   all checks
# make lab    JupyterLab on the notebooks                                        make help   every target
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
DEMO := runs/demo

# Nothing here asks a model hub for anything, and logs hold no progress bars.
demo test test-fast notebooks notebooks-portable: export HF_HUB_OFFLINE := 1
demo test test-fast notebooks notebooks-portable: export TQDM_DISABLE := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast notebooks notebooks-portable docs app browser lab lock format clean-notebooks

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile

setup:  ## the environment in $(VENV): built once, again only when requirements.lock changes
	@scripts/setup "$(VENV)"

demo: setup  ## run every notebook on the built-in world and print the main table
	@scripts/demo $(BIN) $(DEMO)
	@cat runs/report/main_table.txt; echo
	@echo "executed notebooks: $(DEMO)/notebooks/   figures: $(DEMO)/figures/   table: runs/report/"

test: setup  ## every check: style, all tests, notebooks re-run and compared
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m pytest
	$(MAKE) --no-print-directory notebooks

test-fast: setup  ## the everyday loop: style and the quick tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -m "not slow"

notebooks: setup  ## re-run the notebooks and compare the outputs marked for comparison
	$(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-sanitize-with tests/nbval.cfg notebooks

notebooks-portable: setup  ## the same as another processor rounds: other instructions, one thread
	ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default OMP_NUM_THREADS=1 \
	    $(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-sanitize-with tests/nbval.cfg notebooks

docs: setup  ## the documentation as a site in site/, built without a network; open site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html is the first page; its search needs a server: $(BIN)/python -m http.server -d site --bind 127.0.0.1"

app: setup  ## the demo in a browser: compose, map, two methods side by side; on this machine only, with a token
	cd app && HF_HUB_OFFLINE=1 JUPYTER_PATH="$(CURDIR)/app" $(BIN)/voila workbench.ipynb

browser:  ## a Chromium for the tests in a real browser: the system's package, where that is allowed
	@scripts/browser

lab: setup  ## JupyterLab on the notebooks, on this machine only
	$(BIN)/jupyter lab --ip 127.0.0.1 notebooks

lock:  ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --all-extras \
	    --no-header --no-annotate --no-emit-index-url -o requirements.lock

format: setup  ## put all sources and notebooks in the project's style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean-notebooks: setup  ## keep only what is committed of a notebook: text outputs
	$(BIN)/python -m workbench.notebook clean notebooks/*.ipynb
