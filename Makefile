# Two commands do everything on a fresh machine: make demo, make test.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Of training; without it as long as transfer.py takes by default: none for body2body.
MINUTES ?=
FOR := $(if $(MINUTES),--minutes $(MINUTES))
WEIGHTS := lpips openpose
# The tests run in JOBS processes, each file in one of them: what its tests share is made once.
JOBS ?= 2
PYTEST := $(BIN)/pytest -q -n $(JOBS) --dist loadfile

.PHONY: demo gallery test test-slow test-all faults lint install clean

# The weights of WEIGHTS make the demo sharper and are measured with; without a network it goes on.
install: $(VENV)/.installed
	@$(BIN)/python scripts/get_models.py --if_possible $(WEIGHTS)

# pip 23 obeys PIP_CONSTRAINT when it builds a package, pip 26 PIP_BUILD_CONSTRAINT: both are set.
$(VENV)/.installed: requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; ok = (3, 10) <= sys.version_info[:2] <= (3, 12); \
	    ok or sys.exit("Python %d.%d will not do: mediapipe needs 3.10, 3.11 or 3.12. Install one, then say which: make $(or $(firstword $(MAKECMDGOALS)),demo) PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	    $(BIN)/pip install --disable-pip-version-check -r requirements.txt
	@touch $@

# With TARGET and SOURCE: your own two videos.
demo: install
ifdef TARGET
	$(BIN)/python transfer.py --target "$(TARGET)" --source "$(SOURCE)" --output out.mp4 $(FOR)
else ifdef SOURCE
	@echo 'TARGET is missing: make demo TARGET=me.mp4 SOURCE=$(SOURCE)'; exit 1
else
	$(BIN)/python scripts/make_demo_videos.py --out datasets/demo_videos
	$(BIN)/python transfer.py --target datasets/demo_videos/target.mp4 --name demo \
	    --source datasets/demo_videos/source.mp4 --output out.mp4 $(FOR)
endif

# Eleven recipes; eight of them train, each for MINUTES.
gallery: MINUTES = 5
gallery: install
	$(BIN)/python scripts/make_demo_videos.py --out datasets/demo_videos
	$(BIN)/python preprocess.py --video datasets/demo_videos/target.mp4 --dataroot datasets/demo
	$(BIN)/python scripts/gallery.py --dataroot datasets/demo --minutes $(MINUTES)

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(PYTEST) -m "not slow"

# What `make test` leaves out; test-all is both.
test-slow: install
	$(PYTEST) -m slow

test-all: lint
	$(PYTEST)

# Kills, full disks, damaged and hostile files: 20 minutes on two cores, other ones each time.
faults: install
	$(BIN)/python scripts/dev/fault_campaign.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
