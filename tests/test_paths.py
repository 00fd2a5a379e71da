"""Roots of folders, and paths that must stay inside one."""

from pathlib import Path

import pytest

from workbench import paths
from workbench.paths import HomeError, PathEscape, inside


def test_the_clone_is_the_default_home(monkeypatch):
    monkeypatch.delenv("WORKBENCH_HOME", raising=False)
    assert paths.home() == Path(__file__).resolve().parents[1]
    assert paths.data_root().name == "data"


def test_one_variable_moves_everything(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    roots = [paths.data_root(), paths.figures_root(), paths.runs_root(), paths.cache_root()]
    assert [root.relative_to(tmp_path.resolve()).as_posix() for root in roots] == [
        "data",
        "figures",
        "runs",
        "cache",
    ]
    assert not any(root.exists() for root in roots)


def test_a_missing_home_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(HomeError, match=r"WORKBENCH_HOME is '.*nowhere', which is not a folder\. Clone"):
        paths.home()
    monkeypatch.delenv("WORKBENCH_HOME")
    monkeypatch.setattr(paths, "__file__", str(tmp_path / "site-packages" / "workbench" / "paths.py"))
    with pytest.raises(HomeError, match="WORKBENCH_HOME is not set"):
        paths.data_root()


def test_a_missing_benchmark_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    with pytest.raises(HomeError, match=r"benchmark 'tinycir' was not found at .* Clone the repository"):
        paths.benchmark_root("tinycir")
    with pytest.raises(HomeError, match=r"benchmark 'cirr' was not found at .*data/README.md"):
        paths.benchmark_root("cirr")
    (tmp_path / "data" / "cirr").mkdir(parents=True)
    assert paths.benchmark_root("cirr") == (tmp_path / "data" / "cirr").resolve()


def test_paths_stay_inside(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    assert inside(root, "a/b.png") == root.resolve() / "a" / "b.png"
    (root / "link").symlink_to(tmp_path)
    for escape in ("../x", "/etc/passwd", "a/../../x", "link/x"):
        with pytest.raises(PathEscape, match="leads out of"):
            inside(root, escape)
