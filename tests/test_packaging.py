"""Dependencies stand once; the lock, the conda wrapper, the versions and the wheel follow from pyproject.toml."""

import os
import re
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import workbench

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


def locked() -> dict[str, set[str]]:
    """Name -> versions in the lock (one per environment marker)."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", LOCK, re.MULTILINE):
        versions.setdefault(canonicalize_name(name), set()).add(version)
    return versions


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(text) for text in (*PROJECT["dependencies"], *(r for extra in extras for r in extra))]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda r: r.name)
def test_the_lock_holds_every_dependency(requirement):
    versions = locked().get(canonicalize_name(requirement.name))
    assert versions, f"{requirement} is not in requirements.lock: run `make lock`"
    assert all(requirement.specifier.contains(v, prereleases=True) for v in versions), (requirement, versions)


def test_the_lock_has_hashes_and_no_addresses():
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK
    assert not re.search(r"^\s*(--(?!hash)|-[ief]\b)", LOCK, re.MULTILINE)


def test_conda_wrapper_follows_pyproject():
    wrapper = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = wrapper["dependencies"]
    assert conda == [f"python{PROJECT['requires-python']}", "pip"]
    assert wrapper["name"] == PROJECT["name"]
    assert pip == {"pip": [f"-e .[{','.join(PROJECT['optional-dependencies'])}]"]}


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert {workbench.__version__, citation["version"], newest} == {PROJECT["version"]}
    assert citation["license"] == PROJECT["license"]


def test_ci_brings_a_browser_calls_make_test_and_nothing_cleverer():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()[1:]
    assert [line for line in lines if not line.startswith("#")] == [
        "set -e",
        'cd "$(dirname "$0")/.."',
        "make browser",
        "WORKBENCH_BROWSER=required make test",
    ]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


# A Python that says what it is asked to do instead of doing it, and makes a "virtual environment" of itself.
FAKE = """#!/bin/sh
case "$*" in
    "-m venv --clear "*)
        rm -rf "$4"; mkdir -p "$4/bin"; touch "$4/pyvenv.cfg"; cp "$0" "$4/bin/python"; echo built >> "{log}" ;;
    "-m pip install"*) echo "$*" >> "{log}" ;;
    *) exec "{python}" "$@" ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A clone of nothing but what scripts/setup reads, and a fake Python; calling it gives (exit code, steps, stderr)."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "setup").write_text((ROOT / "scripts" / "setup").read_text())
    (tmp_path / "requirements.lock").write_text("numpy==1\n")
    (tmp_path / "pyproject.toml").write_text("")
    log, fake = tmp_path / "log", tmp_path / "fake"
    fake.write_text(FAKE.format(log=log, python=sys.executable))
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)

    def setup(venv: Path = tmp_path / "env", python: str = str(fake)):
        log.write_text("")
        command = ["sh", str(tmp_path / "scripts" / "setup"), str(venv)]
        done = subprocess.run(command, env={**os.environ, "PYTHON": python}, capture_output=True, text=True)
        return done.returncode, [line.split(" -")[0] for line in log.read_text().splitlines()], done.stderr

    setup.root = tmp_path
    return setup


TWO_STEPS = ["built", "-m pip install", "-m pip install"]


def test_setup_builds_once_and_again_only_for_another_lock(clone):
    assert clone()[:2] == (0, TWO_STEPS)
    assert clone()[:2] == (0, [])
    (clone.root / "requirements.lock").write_text("numpy==2\n")
    assert clone()[:2] == (0, TWO_STEPS)


def test_setup_reinstalls_only_the_project_where_only_pyproject_changed(clone):
    clone()
    (clone.root / "pyproject.toml").write_text("# an entry point more")
    assert clone()[:2] == (0, ["-m pip install"])


def test_setup_finishes_what_was_interrupted(clone):
    clone()
    (clone.root / "env" / ".lock.sha256").write_text("unfinished\n")
    assert clone()[:2] == (0, TWO_STEPS)


def test_setup_never_empties_somebody_elses_environment(clone):
    clone()
    (clone.root / "env" / ".lock.sha256").unlink()
    (clone.root / "env" / "precious").touch()
    assert clone()[:2] == (0, ["-m pip install"])  # the lock is installed into it
    assert (clone.root / "env" / "precious").exists()


def test_setup_refuses_a_folder_that_is_no_environment(clone):
    (clone.root / "home").mkdir()
    (clone.root / "home" / "precious").touch()
    code, steps, message = clone(clone.root / "home")
    assert (code, steps) == (1, [])
    assert "not a virtual environment" in message
    assert (clone.root / "home" / "precious").exists()


def test_setup_names_a_python_that_does_not_do(clone):
    code, _, message = clone(python="/bin/false")
    assert code == 1
    assert "PYTHON=/bin/false is not a Python of version 3.11 or newer" in message


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The built wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q"]
    subprocess.run([*build, "-w", folder, ROOT], check=True, capture_output=True)
    (archive,) = folder.glob("*.whl")
    zipfile.ZipFile(archive).extractall(folder / "site")
    return folder / "site"


def from_wheel(site: Path, code: str, home: str | None) -> str:
    """What `code` prints where only the wheel is at hand (isolated mode: no PYTHONPATH, no current folder)."""
    environment = {k: v for k, v in os.environ.items() if k != "WORKBENCH_HOME"}
    if home:
        environment["WORKBENCH_HOME"] = home
    code = f"import sys; sys.path.insert(0, {str(site)!r}); {code}"
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(
        command, cwd=site, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_its_licence_only(wheel):
    assert {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")} == {"workbench"}
    (info,) = wheel.glob("*.dist-info")
    assert "Apache License" in (info / "licenses" / "LICENSE").read_text()
    assert "workbench = workbench.cli:app" in (info / "entry_points.txt").read_text()


@pytest.mark.slow
def test_a_wheel_without_the_clone_says_how_to_get_the_built_in_world(wheel):
    code = """
try:
    import workbench
    workbench.load('tinycir', 'val')
except FileNotFoundError as error:
    print(workbench.__file__, error)
"""
    said = from_wheel(wheel, f"exec({code!r})", home=None)
    assert said.startswith(str(wheel))
    assert "WORKBENCH_HOME" in said
    assert "Clone the repository" in said


@pytest.mark.slow
def test_the_wheel_holds_the_prompts(wheel):
    code = "from workbench.language import prompts; print(prompts.__file__, *prompts.prompt_names('edit'))"
    file, *names = from_wheel(wheel, code, home=None).split()
    assert file.startswith(str(wheel))
    assert {"garment", "open-scene", "tiny-editor"} <= set(names)


@pytest.mark.slow
def test_a_wheel_finds_the_built_in_world_by_one_variable(wheel):
    code = "from workbench import paths; print(paths.data_root())"
    assert from_wheel(wheel, code, home=str(ROOT)) == str(ROOT / "data")


def test_torch_and_torchvision_are_a_matching_pair():
    import torch
    import torchvision

    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    assert torchvision.ops.nms(boxes, torch.tensor([1.0]), 0.5).tolist() == [
        0
    ]  # its compiled half needs this torch
