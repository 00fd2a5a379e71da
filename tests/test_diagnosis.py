"""workbench diagnose and what is behind it: tables, figures, unpaired sets, held-out halves, files from strangers."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from workbench import diagnosis
from workbench.arrays import ArrayError
from workbench.cli import app
from workbench.data.features import FeaturesError
from workbench.data.simulate import clouds
from workbench.diagnosis import TwoSets, beside_clip, closing, interventions_table, of_files, report
from workbench.geometry import GEOMETRY_METRICS, gap_norm
from workbench.geometry.published import CLIP_500, CLIP_PAIRS
from workbench.hubness.report import MEASURES
from workbench.interventions import INTERVENTIONS

NEED_PAIRS = {m.name for m in GEOMETRY_METRICS.values() if m.needs == "pairs"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, toy = tmp_path_factory.mktemp("features"), clouds(pairs=60, width=16, seed=1)
    np.save(folder / "a.npy", toy.images)
    np.save(folder / "b.npy", toy.texts)
    np.save(folder / "few.npy", toy.texts[:40])
    np.savez(folder / "both.npz", image=toy.images, text=toy.texts)
    order = np.random.default_rng(0).permutation(60)
    np.savez(folder / "ids_a.npz", rows=toy.images, ids=np.arange(60))
    np.savez(folder / "ids_b.npz", rows=toy.texts[order], ids=order)
    np.save(folder / "objects.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    broken = toy.images.copy()
    broken[3, 2] = np.nan
    np.save(folder / "nan.npy", broken)
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["diagnose", *map(str, arguments)])


@pytest.mark.slow
def test_tables_are_printed_and_the_report_written(files, tmp_path):
    out = tmp_path / "deep" / "report"
    done = run("--images", files / "a.npy", "--texts", files / "b.npy", "--out", out)
    assert done.exit_code == 0, done.output
    for metric in GEOMETRY_METRICS.values():
        assert metric.name in done.stdout and metric.not_said in done.stdout
    gap = gap_norm(np.load(files / "a.npy"), np.load(files / "b.npy"))
    assert f"{gap:.4f}" in done.stdout and "60 images, 60 texts, D = 16, pairs" in done.stdout
    assert sorted(path.name for path in out.iterdir()) == [
        "closing.csv", "closing_the_gap.svg", "cosine_histograms.svg", "gap_map.svg", "hubness.csv",
        "interventions.csv", "k_occurrence.svg", "lorenz.svg", "metrics.csv", "spectra.svg",
    ]  # fmt: skip
    table = pd.read_csv(out / "metrics.csv").set_index("id")
    assert table.loc["gap_norm", "value"] == pytest.approx(gap) and len(table) == len(GEOMETRY_METRICS)
    assert set(pd.read_csv(out / "interventions.csv")["intervention"]) == {"none", *INTERVENTIONS.names()}


def test_without_pairs_what_needs_them_is_left_out_by_name(files, tmp_path):
    done = run("--images", files / "a.npy", "--texts", files / "few.npy", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert left_out(done.stdout) == NEED_PAIRS
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cosine_histograms.svg", "gap_map.svg", "hubness.csv", "k_occurrence.svg", "lorenz.svg", "metrics.csv",
        "spectra.svg",
    ]  # fmt: skip


def test_as_many_rows_need_not_be_pairs(files):
    done = run("--images", files / "a.npy", "--texts", files / "b.npy", "--unpaired")
    assert left_out(done.stdout) == NEED_PAIRS and "no pairs" in done.stdout


def left_out(printed: str) -> set[str]:
    (line,) = [line for line in printed.splitlines() if line.startswith("left out")]
    return set(line.partition(": ")[2].split("; "))


def test_json_is_the_table(files):
    done = run("--images", f"{files}/both.npz#image", "--texts", f"{files}/both.npz#text", "--json")
    tables = json.loads(done.stdout)
    assert [row["id"] for row in tables["gap"]] == list(GEOMETRY_METRICS)
    assert [(row["direction"], row["measure"]) for row in tables["hubness"]] == [
        (way, measure) for way in ("text to image", "image to text") for measure in MEASURES
    ]


def test_hubs_are_counted_both_ways_beside_random_lists(files):
    images, texts = np.load(files / "a.npy"), np.load(files / "few.npy")
    done = run("--images", files / "a.npy", "--texts", files / "few.npy")
    frame = diagnosis.hubness(of_files(files / "a.npy", files / "few.npy")).set_index(
        ["direction", "measure"]
    )
    for way, queries, gallery in (("text to image", texts, images), ("image to text", images, texts)):
        order = np.argsort(-(queries @ gallery.T), axis=1, kind="stable")[:, :10]
        n_k = np.bincount(order.ravel(), minlength=len(gallery))
        assert frame.loc[(way, "max_hub"), "value"] == n_k.max()
        assert frame.loc[(way, "antihub_occurrence"), "value"] == np.mean(n_k == 0)
        assert f"{frame.loc[(way, 'k_skewness'), 'value']:.4f}" in done.stdout
        assert f"{frame.loc[(way, 'k_skewness'), 'random']:.4f}" in done.stdout
        sizes = frame.loc[(way, "gini"), ["queries", "gallery"]].tolist()
        assert sizes == [len(queries), len(gallery)] and "{} in {}".format(*sizes) in done.stdout
    for measure in MEASURES.values():
        assert measure.range in done.stdout and measure.meaning.partition("{")[0] in done.stdout


def test_one_pair_has_a_report_of_what_it_can_say(files, tmp_path):
    np.save(tmp_path / "one.npy", np.load(files / "a.npy")[:1])
    one = tmp_path / "one.npy"
    done = run("--images", one, "--texts", one, "--out", tmp_path / "out")
    assert done.exit_code == 0 and "not written: gap_map (a map needs three rows, got 2)" in done.stderr


def test_empty_sets_and_a_file_for_a_folder_are_one_line(files, tmp_path):
    np.save(tmp_path / "none.npy", np.load(files / "a.npy")[:0])
    done = run("--images", tmp_path / "none.npy", "--texts", files / "b.npy")
    assert done.exit_code == 2 and "got 0 images and 60 texts" in done.stderr
    done = run("--images", files / "a.npy", "--texts", files / "b.npy", "--out", files / "a.npy")
    assert done.exit_code == 2 and "a.npy is a file, expected a folder" in done.stderr


def test_pairs_are_found_by_id(files):
    plain = report(of_files(files / "a.npy", files / "b.npy"))["value"]
    by_id = report(of_files(files / "ids_a.npz", files / "ids_b.npz"))["value"]
    np.testing.assert_allclose(by_id, plain, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("nowhere.npy", "there is no such file"),
        ("objects.npy", "is no .npy file of numbers"),
        ("both.npz", "holds 2 arrays"),
        ("nan.npy", "1 of 960 values are NaN"),
        ("a.txt", "expected one of .npy"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(images, message, files):
    done = run("--images", files / images, "--texts", files / "b.npy")
    assert done.exit_code == 2 and message in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_umap_needs_somewhere_to_go(files):
    done = run("--images", files / "a.npy", "--texts", files / "b.npy", "--umap")
    assert done.exit_code == 2 and "say where to, with --out" in done.stderr


def test_collapsed_sets_are_reported_not_crashed_on(tmp_path):
    np.save(tmp_path / "one.npy", np.ones((8, 4)))
    done = run(
        "--images",
        tmp_path / "one.npy",
        "--texts",
        tmp_path / "one.npy",
        "--unpaired",
        "--out",
        tmp_path / "out",
    )
    assert done.exit_code == 0, done.output
    assert "no value: gap on the first axis (the means of images and texts coincide" in done.stdout
    assert "not written: gap_map (" in done.stderr and (tmp_path / "out" / "metrics.csv").is_file()


def test_a_rule_that_the_rows_do_not_allow_says_why_beside_the_others():
    toy = clouds(pairs=30, width=8, seed=2)
    flat = TwoSets(np.tile(toy.images[:1], (30, 1)), toy.texts, "flat")
    table = interventions_table(flat).set_index("intervention")
    for name in ("centring", "whitening"):
        assert np.isnan(table.loc[name, "recall@1 t2i"]) and "direction" in table.loc[name, "note"]
    assert table.loc["shift", "note"] == "" and np.isfinite(table.loc["shift", "recall@1 t2i"])


@pytest.fixture
def sets():
    toy = clouds(pairs=90, width=16, seed=2)
    return TwoSets(toy.images, toy.texts, "toy")


def test_halves_share_no_pair(sets):
    one, other = sets.halves(seed=3)
    together = np.concatenate([one.images, other.images])
    assert len(one.images) + len(other.images) == 90
    np.testing.assert_array_equal(np.sort(together[:, 0]), np.sort(sets.images[:, 0]))
    place = {row.tobytes(): i for i, row in enumerate(sets.images)}
    for image, text in zip(one.images, one.texts, strict=True):
        np.testing.assert_array_equal(text, sets.texts[place[image.tobytes()]])


def test_held_out_tables_say_what_they_were_fitted_on(sets):
    table = closing(sets, (0.0, 1.0), held_out=True)
    assert set(table["fitted on"]) == {"one half of toy"}
    assert set(closing(sets, (0.0,))["fitted on"]) == {"toy"}
    shifted = table[(table["way"] == "shift") & (table["amount"] == 1)]["gap_norm"].item()
    same = closing(sets, (1.0,)).iloc[0]["gap_norm"]
    assert same < shifted < table["gap_norm"].iloc[0]  # another half's gap closes most of it, not all


def test_samples_keep_pairs_and_say_so(sets):
    some = sets.some(20)
    assert len(some.images) == len(some.texts) == 20 and some.source == "toy, 20 of 90 rows"
    assert sets.some(90) is sets
    loose = TwoSets(sets.images, sets.texts[:50], "loose", paired=False).some(30)
    assert len(loose.images) == len(loose.texts) == 30


def test_sets_are_checked_at_the_door(sets):
    with pytest.raises(FeaturesError, match="90 images and 50 texts, which are no pairs"):
        TwoSets(sets.images, sets.texts[:50], "toy")
    with pytest.raises(ArrayError, match="texts: got shape"):
        TwoSets(sets.images, np.ones((90, 3)), "toy")


def test_interventions_start_from_what_is(sets):
    table = interventions_table(sets).set_index("intervention")
    assert table.loc["none", "gap_norm"] == pytest.approx(gap_norm(sets.images, sets.texts), abs=1e-6)
    assert table.loc["centring", "gap_norm"] < 0.1 and diagnosis.DRAWN > 0


def test_every_value_of_real_clip_is_of_a_measure_and_in_its_range():
    for name, value in CLIP_500.items():
        metric = GEOMETRY_METRICS[name]
        assert metric.low <= value <= (500 if metric.high is None else metric.high), name
    assert CLIP_500["alignment"] == pytest.approx(2 - 2 * CLIP_500["paired_cosine"], abs=1e-3)


def test_the_table_to_read_stands_beside_real_clip(sets):
    table = beside_clip(report(sets)).set_index("measure")
    assert table.loc["gap norm (L2M)", CLIP_PAIRS] == "0.851"
    assert table.loc["linear separability", "here"].startswith(("yes (", "no ("))
    assert table.loc["IsoScore, images", CLIP_PAIRS] == "" and not (table["what it does not say"] == "").any()


def test_features_take_the_place_of_a_case(files):
    sets = diagnosis.sets_of(None, [str(files / "a.npy"), str(files / "b.npy")])
    assert sets.source == "a.npy and b.npy" and sets.paired
    with pytest.raises(FeaturesError, match="got 1 files, expected two"):
        diagnosis.sets_of(None, ["a.npy"])
