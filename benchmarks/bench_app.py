"""How soon the demo app shows its first grid, and how soon the map answers, in a real browser and in the kernel.

    python benchmarks/bench_app.py [--quick]

*Warm*: `make app` is up and its pre-heated kernel idle; from asking for the page to seeing the first result (limit: 5 s).
*Cold*: no kernel waits; the visit itself starts one, which imports, loads the case and answers (limit: 20 s). Each three
times with a fresh server, `--quick` once; the median counts. Embeddings and captions are in the cache, as after a first
visit. *Map*, in the kernel, 4,264 pictures of TinyCIR and 20,000 x 512 of noise: the first look, a step of the gap's
slider, a step of NNN's, and a hub of the list, until everything is ready to be sent. Needs Chromium (`make browser`).
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import sync_playwright

from benchmarks.bench_explorer import made_up_case
from tests.browser.conftest import FLAGS, chromium
from workbench.case import load_case
from workbench.methods import CIReVL
from workbench.paths import home
from workbench.widgets.spacemap import SpaceMap
from workbench.widgets.spacemap_live import LiveSpaceMap

LIMITS = {"warm": 5.0, "cold": 20.0}
BIN = Path(sys.executable).parent


def visit(browser, preheated: bool) -> float:
    """Seconds from asking a fresh server for the page to its first result."""
    log = home() / "cache" / "bench_app.log"
    command = f"{BIN}/voila workbench.ipynb --no-browser --preheat_kernel={preheated} --port {20_000 + os.getpid() % 9_000}"
    environment = {**os.environ, "JUPYTER_PATH": str(home() / "app"), "HF_HUB_OFFLINE": "1"}
    with log.open("w") as out:
        server = subprocess.Popen(
            command.split(), cwd=home() / "app", env=environment, stdout=out, stderr=out
        )
    try:
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/\?token=\w+", log.read_text())):
            sleep(0.1)
        idle(server.pid)
        page = browser.new_page()
        started = perf_counter()
        page.goto(found.group())
        page.locator(".wb-result").first.wait_for(timeout=120_000)
        took = perf_counter() - started
        page.close()
        return took
    finally:
        server.terminate()
        server.wait()


def idle(pid: int) -> None:
    """Waits until neither the server nor its kernels have had work for two seconds."""
    before = -1.0
    while (now := busy(pid)) - before > 0.05:
        before = now
        sleep(2)


def busy(pid: int) -> float:
    """Seconds of CPU that a process and its children have had."""
    total, ticks = 0.0, os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it is gone
            continue
        if int(entry.parent.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def timed(do: Callable[[], object]) -> float:
    started = perf_counter()
    do()
    return perf_counter() - started


def map_times(name: str, case, steps: int) -> None:
    """Each part of the map once it is there, in ms; medians over `steps`."""
    made: list[LiveSpaceMap] = []
    first = timed(lambda: made.append(LiveSpaceMap(SpaceMap(case, CIReVL()))))
    live = made[0]

    def moved(control, size: float) -> Callable[[], None]:
        return lambda: setattr(control, "value", control.value + size)

    gap = [timed(moved(live.controls["gap"], 0.05)) for _ in range(steps)]
    alpha = [timed(moved(live.controls["alpha"], 0.05)) for _ in range(steps)]
    rows = [row for _, row in live.hubs.options[1 : steps + 1]]
    hubs = [timed(lambda row=row: setattr(live.hubs, "value", row)) for row in rows]
    times = {"gap slider": gap, "NNN slider": alpha, "hub": hubs}
    shown = ", ".join(f"{what} {1000 * statistics.median(took):.0f} ms" for what, took in times.items())
    print(f"map, {name}: first look {first:.2f} s, {shown}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="each visit once, three steps")
    quick = parser.parse_args().quick
    case = load_case("tinycir", "tiny-coca", "val")
    map_times("TinyCIR (4,264 x 128, 500 queries)", case, 3 if quick else 9)
    map_times("noise (20,000 x 512, 500 queries)", made_up_case(), 3 if quick else 9)
    path = chromium()
    assert path, "no Chromium: make browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        took = {
            kind: statistics.median(visit(browser, kind == "warm") for _ in range(1 if quick else 3))
            for kind in LIMITS
        }
        browser.close()
    print(
        "grid visible: "
        + ", ".join(f"{kind} {took[kind]:.1f} s (limit {limit:.0f} s)" for kind, limit in LIMITS.items())
    )


if __name__ == "__main__":
    main()
