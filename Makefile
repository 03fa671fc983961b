# `make` alone lists the targets. Everything is installed into .venv, nothing anywhere else.
include kernel.env
# One set of kernel settings for learners, tests and slides (kernel.env), and one home for what
# Keras, Matplotlib and IPython read and write, so that nobody's own configuration changes an output.
export $(shell sed -n 's/=.*//p' kernel.env)
export KERAS_HOME := $(CURDIR)/.venv/home/keras
export MPLCONFIGDIR := $(CURDIR)/.venv/home/matplotlib
export IPYTHONDIR := $(CURDIR)/.venv/home/ipython

PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/ready
WORKERS ?= 2
LESSON ?=
NOTEBOOKS ?= $(wildcard notebooks/$(LESSON)*.ipynb)
LAB_FLAGS ?=
PDF ?=
PYTEST_FLAGS ?=
VERSIONS ?=
ONLY ?=
FAULT ?=
FAULTS_FLAGS ?= --notebooks
ROUNDS ?=
MODULE ?= padding
MUTANTS_FLAGS ?=
WAY ?=
# Behind a slow disk, a kernel or a first import of Keras may take minutes.
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=600 --nbval-kernel-startup-timeout=600 -p tests.nbval_pictures

.DEFAULT_GOAL := help
.PHONY: help .venv lab test test-unit test-notebooks style run slides site claims faults outputs determinism coverage mutants backends bench layers wild teaching wheel installs picture lock clean

help: ## this list
	@# In a Turkish locale the letters from a to z are without i.
	@LC_ALL=C sed -n 's/^\([a-z.-]*\):.*## /\1\t/p' Makefile | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

.venv: $(READY) ## set everything up in .venv (every other target does this first)

$(READY): requirements.lock pyproject.toml tools/check_python.py $(wildcard tools/labconfig/*)
	@$(PYTHON) tools/check_python.py
	@echo "Setting up .venv; the first time downloads about 500 MB."
	@$(PYTHON) -m venv --clear .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r tools/uv.lock
	@$(PY) -m uv pip install --python $(PY) --compile-bytecode --require-hashes -r requirements.lock
	@$(PY) -m uv pip install --quiet --python $(PY) --no-deps --no-build-isolation -e .
	@$(PY) -c "import matplotlib.font_manager"
	@# JupyterLab asks at its first start whether it may fetch news. Nothing here fetches anything.
	@# And it shows Markdown as source; a link from a lesson to docs/ should open a page to read.
	@mkdir -p .venv/etc/jupyter/labconfig && cp tools/labconfig/*.json .venv/etc/jupyter/labconfig/
	@touch $(READY)
	@$(PY) -m course_lib

lab: $(READY) ## open JupyterLab on the first lesson
	$(PY) -m jupyter lab notebooks/00_start_here.ipynb --ServerApp.ip=127.0.0.1 \
	  --ServerApp.root_dir="$(CURDIR)" \
	  --LabApp.extension_manager=readonly \
	  $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_FLAGS)

test: style test-unit test-notebooks ## check everything: style, unit and property tests, every notebook's output

style: $(READY) ## check the style of code and notebooks, and the types of course_lib
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

test-unit: $(READY) ## unit, property and claim tests
	$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q $(PYTEST_FLAGS)

test-notebooks: $(READY) ## execute every notebook (LESSON=04: one) and compare each output
	$(PY) -m pytest $(NBVAL) -n $(WORKERS) --dist loadfile -q $(PYTEST_FLAGS) $(NOTEBOOKS)

run: $(READY) ## execute notebooks and store their outputs (LESSON=04: one)
	$(PY) -m tools.run_notebooks $(LESSON)

slides: $(READY) ## a deck for every lesson in build/slides (needs npm; PDF=1: on paper too)
	$(PY) -m tools.slides $(LESSON) $(if $(PDF),--pdf)

site: $(READY) ## lessons, reference and guide as a site in build/site, to open without a network
	$(PY) -m tools.build_site

claims: $(READY) ## ask every Keras since 3.0 every claim (VERSIONS="3.0 nightly": some)
	$(PY) -m tools.claims $(VERSIONS) $(if $(ONLY),--only=$(ONLY))

faults: $(READY) ## break Keras on purpose and see what notices (FAULT=mask-inverted: one)
	$(PY) -m tools.faults $(FAULTS_FLAGS) $(FAULT)

outputs: $(READY) ## change every stored output a little and see what notices (LESSON=04: one)
	$(PY) -m tools.changed_outputs $(LESSON)

determinism: $(READY) ## make test five times: threads, order, time zone, locale, folder, no network
	$(PY) -m tools.determinism $(ROUNDS)

# An answer that never returns is stopped by sys.settrace, which coverage uses for itself.
coverage: $(READY) ## lines and branches of course_lib that its tests run
	$(PY) -m pytest -n $(WORKERS) --dist loadfile -q -k "not another_thread" --cov --cov-report=term-missing:skip-covered $(PYTEST_FLAGS)

mutants: $(READY) ## change a module in one place after the other and see what notices (MODULE=padding)
	$(PY) -m tools.mutants $(MODULE) $(MUTANTS_FLAGS)

bench: $(READY) ## what takes how long, as ratios within one run
	$(PY) bench/run.py

layers: $(READY) ## run every layer of Keras through the audit and write docs/layers.md
	$(PY) -m tools.layer_table

backends: $(READY) ## ask the tests of another backend of Keras: BACKEND=jax (the default) or torch
	$(PY) -m tools.backends $(BACKEND)

wild: $(READY) ## ask public models what they do with padding, and write docs/wild.md
	$(PY) -m tools.wild

teaching: $(READY) ## write the answer key, and the lessons' part of docs/teaching.md
	$(PY) -m tools.teaching

wheel: $(READY) ## build the wheel and run the unit tests against it in an environment of its own
	$(PY) -m tools.check_wheel

installs: $(READY) ## install in every way there is, and run a lesson in each (WAY=pip: one)
	$(PY) -m tools.check_installs $(WAY)

picture: $(READY) ## draw the README's picture again
	$(PY) -m tools.readme_picture

lock: ## write requirements.lock and tools/uv.lock anew from pyproject.toml
	$(PY) -m uv pip compile --quiet --universal --generate-hashes --no-annotate --upgrade \
	  --custom-compile-command "make lock" --extra course --extra keras2 --extra site --extra dev pyproject.toml -o requirements.lock
	echo uv | $(PY) -m uv pip compile --quiet --universal --generate-hashes --no-annotate --upgrade \
	  --custom-compile-command "make lock" - -o tools/uv.lock

clean: ## remove .venv and what was built
	rm -rf .venv build dist node_modules
