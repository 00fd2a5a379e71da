"""Registries: names, nearest names, duplicates, declared and announced things; and the ones the package has."""

from importlib import metadata

import pytest

import workbench
from workbench import registry
from workbench.registry import DuplicateName, Registry, UnknownName, nearest


@pytest.fixture
def shapes():
    kind = Registry("shape", entry_point_group="workbench.test_shapes")
    kind.register("circle")(dict)
    kind.declare("path", "pathlib:Path")
    return kind


def test_names_and_things(shapes):
    assert shapes.names() == ("circle", "path")
    assert shapes.get("circle") is dict
    assert shapes.get("path").__name__ == "Path"
    assert "path" in shapes
    assert "square" not in shapes


def test_a_thing_knows_its_name(shapes):
    from pathlib import Path

    assert (shapes.name_of(dict), shapes.name_of(Path), shapes.name_of(set)) == ("circle", "path", None)
    shapes.register("a_circle_too")(dict)
    assert shapes.name_of(dict) == "a_circle_too"  # the first in the alphabet


def test_an_unknown_name_is_a_key_error_that_reads_well(shapes):
    with pytest.raises(KeyError) as caught:
        shapes.get("circel")
    assert isinstance(caught.value, UnknownName)
    assert str(caught.value) == "no shape is called 'circel'. Did you mean 'circle'? Known: circle, path"
    with pytest.raises(UnknownName) as caught:
        Registry("thing").get("x")
    assert str(caught.value) == "no thing is called 'x'. Known: none"
    assert nearest("zzz", ["circle"]) == ""


def test_a_cell_run_twice_replaces_and_a_clash_is_refused(shapes):
    def make():
        @shapes.register("mine")
        class Mine: ...

        return Mine

    make()
    again = make()
    assert shapes.get("mine") is again
    with pytest.raises(DuplicateName, match=r"shape 'mine' is already .*Mine; got builtins\.dict"):
        shapes.register("mine")(dict)
    with pytest.raises(DuplicateName, match="shape 'path' is already pathlib:Path; got os:path"):
        shapes.declare("path", "os:path")


def test_other_packages_announce_things_as_entry_points(shapes, monkeypatch):
    point = metadata.EntryPoint("from_outside", "collections:Counter", "workbench.test_shapes")

    def installed(group):
        return [point] if group == "workbench.test_shapes" else []

    monkeypatch.setattr(registry.metadata, "entry_points", installed)
    assert shapes.names() == ("circle", "from_outside", "path")
    assert shapes.get("from_outside").__name__ == "Counter"


def test_what_the_package_registers():
    assert "tinycir" in workbench.BENCHMARKS
    assert {"recall", "hit", "map", "map_trapezoid"} <= set(workbench.METRICS.names())
    expected = {"image_only", "text_only", "weighted_sum", "slerp", "product"}
    assert expected | {"cirevl", "pdv_t", "pdv_i", "pdv_f", "weimocir"} <= set(workbench.METHODS.names())


def test_a_new_method_takes_one_short_file():
    """What CONTRIBUTING promises: a class, registered by name, is a method like any other."""
    from dataclasses import dataclass

    import numpy as np

    from workbench.methods import METHODS, LinearMethod, label
    from workbench.score.similarities import Term

    @dataclass(frozen=True)
    class TextMinusImage(LinearMethod):
        away: float = 0.5
        terms = (Term("modification"), Term("reference_image"))

        def weights(self, gram):
            return np.array([1, -self.away], np.float32)

    METHODS.register("text_minus_image")(TextMinusImage)
    try:
        assert label(METHODS.get("text_minus_image")(away=0.1)) == "text_minus_image(away=0.1)"
    finally:
        del METHODS._things["text_minus_image"]
