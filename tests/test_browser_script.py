"""scripts/browser: uses the Chromium that is there, installs one where that is allowed, and says what to do elsewhere."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "browser"
APT = """#!/bin/sh
echo "$@" >> "{folder}/asked"
case "$*" in *install*) printf '#!/bin/sh\\necho Chromium 1\\n' > "{folder}/chromium"; /bin/chmod +x "{folder}/chromium";; esac
"""


@pytest.fixture
def system(tmp_path):
    """system(id="0", ...): a machine with nothing but the given programs; run() runs the script on it."""

    def program(name: str, text: str) -> None:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    def run(**environment) -> subprocess.CompletedProcess:
        given = {"PATH": str(tmp_path), **environment}
        return subprocess.run(["/bin/sh", SCRIPT], env=given, capture_output=True, text=True)

    def make(user: str = "0", apt: bool = False):
        program("id", f"#!/bin/sh\necho {user}\n")
        if apt:
            program("apt-get", APT.format(folder=tmp_path))
        return run

    return make


def test_a_browser_that_is_there_is_enough(system, tmp_path):
    run = system(user="1000")
    (tmp_path / "google-chrome").write_text("#!/bin/sh\necho Chrome 7\n")
    (tmp_path / "google-chrome").chmod(0o755)
    done = run()
    assert (done.returncode, "Chrome 7" in done.stdout) == (0, True)
    assert run(CHROMIUM=str(tmp_path / "google-chrome")).returncode == 0


def test_root_gets_the_system_s_package_once(system, tmp_path):
    run = system(apt=True)
    done = run()
    assert (done.returncode, "Chromium 1" in done.stdout) == (0, True), done.stderr
    asked = (tmp_path / "asked").read_text()
    assert "install -y --no-install-recommends chromium" in asked
    assert run().returncode == 0
    assert (tmp_path / "asked").read_text() == asked


@pytest.mark.parametrize(
    ("machine", "environment", "why"),
    [
        ({"user": "1000", "apt": True}, {}, "installing takes root"),
        ({"user": "0"}, {}, "no apt-get"),
        ({"user": "0"}, {"CHROMIUM": "/nowhere/chromium"}, "is no program"),
    ],
)
def test_where_it_cannot_be_had_it_fails_and_says_what_to_do(system, machine, environment, why):
    done = system(**machine)(**environment)
    assert done.returncode == 1
    assert why in done.stderr
    assert "CHROMIUM=" in done.stderr
