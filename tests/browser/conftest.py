"""A real Chromium, JupyterLab and the demo app, each started once; what a page shows is what is checked.

Chromium is the system's own (`make browser`), or CHROMIUM=/path. Without one these tests are skipped, and the last
lines of the run say so; with WORKBENCH_BROWSER=required (the project's checks) they fail instead. Each test leaves a
picture in runs/browser/. A test waits for what should be seen,
never for a time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.pages import Screen
from workbench.paths import home

BIN = Path(sys.executable).parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIRED = os.environ.get("WORKBENCH_BROWSER") == "required"
MISSING = "there is no Chromium: run `make browser`, or set CHROMIUM=/path/to/chromium"
# Software WebGL, no calls home; --no-sandbox because containers run as root.
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]
SIZE = {"width": 1280, "height": 1000}


def chromium() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(items):
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.slow)
        if chromium() is None and not REQUIRED:
            item.add_marker(pytest.mark.skip(reason=MISSING))


def pytest_terminal_summary(terminalreporter):
    skipped = [one for one in terminalreporter.stats.get("skipped", []) if MISSING in str(one.longrepr)]
    if skipped:
        terminalreporter.write_sep("!", "NOT TESTED IN A BROWSER", red=True, bold=True)
        terminalreporter.write_line(f"{len(skipped)} tests of the widgets and the app did not run: {MISSING}")


@pytest.fixture(scope="package")  # no longer: while it is there, this thread has an event loop running
def browser():
    path = chromium()
    assert path, MISSING
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def servers(tmp_path_factory) -> Iterator[dict[str, Server]]:
    """Both servers, started together: each takes seconds to come up."""
    folder = tmp_path_factory.mktemp("jupyter")
    environment = _own_jupyter(folder)
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    lab = f"{BIN}/jupyter lab --no-browser --ip 127.0.0.1 --port 0 --allow-root --ServerApp.root_dir={notebooks}"
    app = f"{BIN}/voila workbench.ipynb --no-browser --port {20_000 + os.getpid() % 20_000}"
    with (
        _server(
            "app", app, home() / "app", {**environment, "JUPYTER_PATH": str(home() / "app")}, folder
        ) as app,
        _server("lab", lab, notebooks, environment, folder) as lab,
    ):
        yield {"app": app, "lab": lab}


@pytest.fixture(scope="package")
def pages(browser, servers):
    """One page per server: a visit costs a kernel."""
    return {name: Screen(browser.new_page(viewport=SIZE), server) for name, server in servers.items()}


@pytest.fixture
def screen(pages, request):
    """screen("app"): that page. Afterwards a picture of it is kept, and its console must have had no complaint."""
    used = []

    def of(name: str) -> Screen:
        used.append(pages[name])
        pages[name].complaints.clear()
        return pages[name]

    yield of
    for page in used:
        page.picture(request.node.name)
        page.set_viewport_size(SIZE)
        assert page.complaints == []


@pytest.fixture(scope="package")
def case():
    """What the pages show is held to what the package says of this."""
    from workbench.case import load_case

    return load_case("tinycir", "tiny-coca", "val")


class Server:
    """A process that says on its log where it can be reached."""

    def __init__(self, name: str, process: subprocess.Popen, log: Path, folder: Path):
        self.name, self.process, self.log, self.folder = name, process, log, folder

    @property
    def url(self) -> str:
        """Its address with its token. Waits for it."""
        for _ in range(600):
            found = re.search(r"http://127\.0\.0\.1:\d+/(?:lab)?\?token=\w+", self.log.read_text())
            if found:
                return found.group()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)  # between two looks at a log: there is no event to wait for
        raise AssertionError(f"{self.name} did not come up:\n{self.log.read_text()}")


@contextmanager
def _server(name: str, command: str, cwd: Path, environment: dict, folder: Path):
    log = folder / f"{name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command.split(),
            cwd=cwd,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Server(name, process, log, cwd)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def _own_jupyter(folder: Path) -> dict[str, str]:
    """An environment in which nobody's settings count, and no pop-up asks for news."""
    settings = folder / "config" / "labconfig"
    settings.mkdir(parents=True)
    off = {"@jupyterlab/apputils-extension:announcements": True}
    (settings / "page_config.json").write_text(json.dumps({"disabledExtensions": off}))
    own = {f"JUPYTER_{name.upper()}_DIR": str(folder / name) for name in ("config", "data", "runtime")}
    own |= {"IPYTHONDIR": str(folder / "ipython"), "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    return {**os.environ, **own}
