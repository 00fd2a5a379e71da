"""Real kernels, real workers, a real kill: what fails is kept, what dies is done again, nothing is lost."""

import os
import signal
import threading
from pathlib import Path
from time import monotonic, sleep

import nbformat
import pytest

from tests.test_batch import home, sweep, write_notebook  # noqa: F401  (fixtures)
from workbench.batch import SubmititExecutor, read_spec, run_batch

pytestmark = pytest.mark.slow
PATIENCE = 500  # seconds: kernels start slowly on a busy machine


def test_real_notebooks_done_broken_and_too_slow(sweep, home):  # noqa: F811
    write_notebook(
        home / "real.ipynb",
        "import os, time\nprint(alpha_text, os.environ['TQDM_DISABLE'], os.path.basename(os.getcwd()))",
        "if method == 'broken': raise ValueError('in the second cell')",
        "time.sleep(60 if method == 'slow' else 0)",
    )
    before = os.environ.get("TQDM_DISABLE")
    here = os.getcwd()
    spec = read_spec(
        sweep(
            "cases: [{method: fine, alpha_text: 2}, {method: broken}, {method: slow}]\ntimeout: 4\nretries: 0",
            notebook="real.ipynb",
        )
    )
    summary = run_batch(spec)
    fine, broken, slow = summary.outcomes
    assert (fine.status, broken.status, slow.status) == ("done", "failed", "failed")
    assert broken.error == "cell 4: ValueError: in the second cell"
    assert slow.error.startswith("CellTimeoutError: a cell took more than 4 s")
    book = nbformat.read(summary.path.parent / fine.notebook, as_version=4)
    assert [out.text for cell in book.cells if cell.cell_type == "code" for out in cell.outputs] == [
        f"2 1 {home.name}\n"
    ]
    stopped = nbformat.read(summary.path.parent / broken.notebook, as_version=4)
    assert any("In [4]" in cell.source for cell in stopped.cells if cell.cell_type == "markdown")
    hung = nbformat.read(summary.path.parent / slow.notebook, as_version=4)
    numbered = [cell for cell in hung.cells if cell.get("execution_count")]
    assert numbered[-1].source.startswith("time.sleep(60")  # as the summary says
    assert (os.environ.get("TQDM_DISABLE"), os.getcwd()) == (before, here)


def wait_for(happens, what: str):
    """The first true value of `happens()`."""
    until = monotonic() + PATIENCE
    while monotonic() < until:
        value = happens()
        if value:
            return value
        sleep(0.2)
    raise AssertionError(f"{what}: not within {PATIENCE} s")


def test_a_worker_killed_in_the_middle_loses_nothing(sweep, home):  # noqa: F811
    """Each notebook notes its worker (the kernel's parent) when it starts; the first to start has its worker killed."""
    starts = home / "starts"
    starts.mkdir()
    write_notebook(
        home / "real.ipynb",
        f"import os, time\nfrom pathlib import Path\nstart = Path({str(starts)!r}) / f'{{seed}}-{{os.getppid()}}-{{os.getpid()}}'\nfirst = not any(start.parent.glob(f'{{seed}}-*'))\nstart.touch()",
        "time.sleep(400 if first and seed == 0 else 0)\nprint(seed)",
    )
    spec = read_spec(
        sweep(
            "grid: {seed: [0, 1, 2]}\nexecutor: {kind: dask, workers: 2}\ntimeout: 400", notebook="real.ipynb"
        )
    )
    summaries = []
    batch = threading.Thread(target=lambda: summaries.append(run_batch(spec)), daemon=True)
    batch.start()
    began = wait_for(lambda: list(starts.glob("0-*")), "the first notebook starts")[0]
    _, worker, kernel = map(int, began.name.split("-"))
    assert worker != os.getpid()
    os.kill(worker, signal.SIGKILL)
    batch.join(PATIENCE)
    (summary,) = summaries
    assert [one.status for one in summary.outcomes] == ["done"] * 3
    assert len(list(starts.glob("0-*"))) == 2  # once in vain, once again
    for seed, one in enumerate(summary.outcomes):
        book = nbformat.read(summary.path.parent / one.notebook, as_version=4)
        assert book.cells[-1].outputs[0].text == f"{seed}\n"
    wait_for(lambda: not Path(f"/proc/{kernel}").exists(), "the killed worker's kernel goes, too")
    assert [one.status for one in run_batch(spec).outcomes] == ["kept"] * 3


def test_submitit_runs_jobs_of_their_own(tmp_path):
    def inverse(
        x: float,
    ) -> tuple[float, int]:  # nested, so that it travels whole and its process imports nothing else
        return 1 / x, __import__("os").getpid()

    executor = SubmititExecutor(tmp_path / "logs", cluster="local")
    results = dict(executor.gather(executor.map(inverse, [2, 0])))
    executor.close()
    value, process = results[0]
    assert value == 0.5
    assert process != os.getpid()
    assert "ZeroDivisionError" in str(results[1])
