"""The literature's numbers: every row is whole, and stands beside ours only where it belongs, with what differs."""

import json
import re

import pandas as pd
import pytest

from workbench import data
from workbench.data import circo, cirr, domain_pairs, fashioniq, icir
from workbench.methods import METHODS
from workbench.methods.pdv import ENSEMBLE, pseudo_word
from workbench.metrics import parse_metric
from workbench.paths import data_root
from workbench.published import PublishedError, architecture, beside, published, rules
from workbench.tables import published_table, to_markdown, to_text

PROTOCOLS = {
    "circo": circo.PROTOCOL,
    "cirr": cirr.PROTOCOL,
    "fashioniq": fashioniq._protocol("all", "split", "cirevl"),
    "icir": icir.PROTOCOL,
    "domain_pairs": {"gallery": "the pictures of all domains", "mean over": "strata"},
}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return published()


def test_every_row_says_where_it_was_read_and_under_which_rules(rows):
    assert len(rows) > 500  # reading checks each row
    assert not rows.duplicated(
        ["method", "backbone", "benchmark", "split", "part", "metric", "setting", "source"]
    ).any()
    for metric in rows["metric"].unique():
        parse_metric(metric)
    for name in set(rows["ours"]) - {""}:
        assert name.split(" on ")[0] in METHODS.names() and name.split(" on ")[-1] in METHODS.names()
    assert set(rows["weights"]) <= {"", "openai", "laion2b"}


def test_rules_are_in_the_words_of_our_protocols(rows):
    """A rule that the benchmark does not know would always be said to differ."""
    for name, protocol in PROTOCOLS.items():
        protocol = {**protocol, "preprocessing": None}
        for text in rows.loc[rows["benchmark"] == name, "protocol"].unique():
            assert set(rules(text)) <= set(protocol)
            assert rules(text).get("preprocessing", "clip") in ("clip", "targetpad")
            own = ("caption join", "preprocessing")
            shared = {rule: value for rule, value in rules(text).items() if rule not in own}
            assert shared.items() <= protocol.items()
        known = set(data.splits(name))
        assert set(rows.loc[rows["benchmark"] == name, "split"]) <= known


def test_some_numbers_that_we_rely_on(rows):
    """Source: the papers' tables as listed in the file."""
    cirevl = rows[(rows["method"] == "CIReVL") & (rows["benchmark"] == "circo")]
    values = cirevl.set_index(["backbone", "metric"])["value"]
    assert (values["ViT-L/14", "map@5"], values["ViT-G/14", "map@50"]) == (18.57, 31.03)
    for name in (
        "circo",
        "cirr",
    ):  # Recall@K rises with K; CIRCO's mAP@K, over min(T, K), does in all these tables
        some = rows[(rows["benchmark"] == name) & ~rows["metric"].str.startswith("subset")]
        some = some.assign(k=[int(metric.split("@")[1]) for metric in some["metric"]]).sort_values("k")
        for _, one in some.groupby(["method", "backbone", "setting", "source"]):
            assert one["value"].is_monotonic_increasing, one


def ours(
    method="cirevl",
    encoder="ViT-L-14-quickgelu:openai@abc",
    split="val",
    metric="recall@1",
    mean=0.25,
    **more,
):
    row = {
        "method": method,
        "metric": metric,
        "mean": mean,
        "benchmark": "cirr",
        "split": split,
        "encoder": encoder,
    }
    return pd.DataFrame([{**row, "protocol": json.dumps(cirr.PROTOCOL), "captions": "blip@1", **more}])


def test_a_match_shows_both_numbers_and_all_that_differs():
    (pair,) = beside(ours(encoder="ViT-L-14-quickgelu:openai+targetpad=1.25@abc")).to_dict("records")
    assert (pair["paper"], pair["ours"], pair["difference"]) == (24.55, 25.0, pytest.approx(0.45))
    assert pair["published as"] == "CIReVL, ViT-L/14"
    assert pair["differs"] == (
        "split: test1, here val; words: captions by BLIP-2 FlanT5-XXL, edits by gpt-3.5-turbo, here blip@1"
    )
    assert "preprocessing: targetpad, here clip" in beside(ours())["differs"].item()
    other = beside(ours(encoder="ViT-L-14:laion2b_s32b_b82k@abc"))["differs"].item()
    assert "weights: openai, here laion2b" in other
    ranked = json.dumps({**cirr.PROTOCOL, "reference": "ranked"})
    assert "reference: excluded, here ranked" in beside(ours(protocol=ranked))["differs"].item()


def test_settings_are_compared():
    name = "pdv_f(alpha_image=1.4, alpha_text=1.2, beta=0.75)"
    assert "setting" not in beside(ours(name))["differs"].item()
    other = beside(ours("pdv_f(beta=0.5)"))
    said = (
        "setting: beta=0.75, alpha_image=1.4, alpha_text=1.2, here beta=0.5, alpha_image=1.4, alpha_text=1.2;"
    )
    assert said in other["differs"].item()
    assert "setting" not in beside(ours("pdv_f"))["differs"].item()  # its defaults are these
    assert "setting" not in beside(ours("cirevl"))["differs"].item()
    sums = [beside(ours(f"weighted_sum{text}", "ViT-B-32:openai@a")) for text in ("", "(weight=0.8)")]
    assert [("setting: weight=0.5, here weight=0.8" in one["differs"].item()) for one in sums] == [
        False,
        True,
    ]
    assert "setting: not stated, here captions=3" in beside(ours("cirevl(captions=3)"))["differs"].item()


def test_a_host_stands_beside_its_own_numbers():
    """Source: arXiv 2502.07215 v3, CIRR with ViT-L/14, PDV-F on four hosts."""
    papers = {"searle": 25.64, "pic2word": 23.90, "ldre": 30.16}
    hosts = {name: pseudo_word(name) for name in ("searle", "pic2word")} | {"ldre": ENSEMBLE}
    for name, host in hosts.items():
        pair = beside(ours(f"pdv_f(host={host})"))
        assert pair["paper"].tolist() == [papers[name]]
        assert "host" not in pair["differs"].item() and "setting: beta=" in pair["differs"].item()
    assert beside(ours("pdv_f"))["paper"].tolist() == [36.24]
    assert beside(ours("pdv_f(host=('modification', 'composed_caption'))")).empty


def test_a_split_that_is_a_data_set_stands_beside_its_own_numbers():
    """Source: README of the i-CIR repository, row Text+Image."""
    protocol = json.dumps({"gallery": "the pictures of all domains", "mean over": "strata", "strata": "pair"})
    common = {"metric": "map_trapezoid", "benchmark": "domain_pairs", "protocol": protocol}
    papers = {split: beside(ours("weighted_sum", split=split, **common)) for split in domain_pairs.SPLITS}
    assert {split: one["paper"].item() for split, one in papers.items()} == {
        "minidn": 9.33,
        "nico": 9.30,
        "ltll": 17.86,
    }
    assert papers["nico"]["differs"].item() == "nothing that is known"


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": "ViT-B-16:openai@a"},  # no paper's architecture
        {"encoder": "ViT-L-14-336:openai@a"},
        {"encoder": "tiny-coca@a"},
        {"metric": "recall@2"},
        {"method": "mine"},
        {"benchmark": "tinycir"},
    ],
)
def test_what_does_not_match_is_not_shown(change):
    assert beside(ours(**change)).empty


def test_a_category_is_set_beside_its_own_numbers():
    protocol = fashioniq._protocol("dress", "split", "cirevl")
    row = ours(
        "pdv_f",
        "ViT-B-32:laion2b_e16@a",
        metric="recall@10",
        benchmark="fashioniq",
        protocol=json.dumps(protocol),
    )
    assert beside(row)["paper"].tolist() == [32.67]
    whole = json.dumps({**protocol, "category": "all"})
    assert beside(row.assign(protocol=whole))["paper"].tolist() == [34.82]


def test_the_table_has_what_differs_under_it():
    text = to_text(published_table(beside(pd.concat([ours(), ours(metric="recall@5", mean=0.5)]))))
    assert re.search(r"CIReVL +recall@1 % +CIReVL, ViT-L/14 +24.55 +25(.00)? +\+?0.45 +\(1\)", text)
    assert text.count("split: test1, here val") == 1
    assert "Not from the original table:" in text
    assert "24.55" in to_markdown(published_table(beside(ours())))


def test_a_row_that_breaks_the_rules_is_named(tmp_path, monkeypatch):
    good = (data_root() / "published.csv").read_text().splitlines()
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    assert published().empty  # no file, no papers
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "published.csv"
    for change, message in {
        (",1.34,", ",134,"): "line 2 .image only.: value is '134'",
        (",no", ",perhaps"): "verified is 'perhaps'",
        (",circo,", ",,"): "benchmark is empty",
        ("reference=ranked", "reference"): "protocol is",
    }.items():
        file.write_text("\n".join([good[0], good[1].replace(*change)]) + "\n")
        with pytest.raises(PublishedError, match=message):
            published()
    file.write_text("method,value\n")
    with pytest.raises(PublishedError, match="its header is method, value"):
        published()


def test_architectures_of_the_file_are_known(rows):
    for name in set(rows["backbone"]) - {""}:
        assert architecture(name) in {"B32", "L14", "H14", "G14"} or name.startswith("BLIP")
