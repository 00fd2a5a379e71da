"""scripts/demo: a kernel that did not start is tried once more; a notebook that failed is not."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAPERMILL = """#!/bin/sh
echo run >> {runs}
[ "$(wc -l < {runs})" -le {failures} ] || exit 0
echo "{message}" >&2
exit 1
"""


@pytest.mark.parametrize(
    ("message", "failures", "code", "runs"),
    [
        ("RuntimeError: Kernel died before replying to kernel_info", 1, 0, 2),
        ("RuntimeError: Kernel died before replying to kernel_info", 2, 1, 2),
        ("NameError: name 'x' is not defined", 1, 1, 1),
    ],
)
def test_only_a_kernel_that_did_not_start_is_tried_again(tmp_path, message, failures, code, runs):
    fake = tmp_path / "papermill"
    fake.write_text(PAPERMILL.format(runs=tmp_path / "runs", failures=failures, message=message))
    fake.chmod(0o755)
    command = [ROOT / "scripts" / "demo", tmp_path, tmp_path, "00_start_here"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code
    assert len((tmp_path / "runs").read_text().split()) == runs
    assert (message in done.stderr) == bool(code)
