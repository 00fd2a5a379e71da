"""`--with`: mapping networks, descriptions, verdicts and lists of words by command line, and PDV on every host."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.test_cli import error, home, model, run, toy_benchmark  # noqa: F401
from workbench import data
from workbench.cli import more
from workbench.encode.encoder import load_encoder
from workbench.encode.pseudo_tokens import embedding_table
from workbench.language.records import Record, Records
from workbench.methods import parse_method
from workbench.methods.pdv import ENSEMBLE, pseudo_word

pytestmark = pytest.mark.usefixtures("toy_benchmark")
SEARLE_HOST = f"pdv_f(host={pseudo_word('searle')})"


@pytest.fixture
def files(home, model):  # noqa: F811
    """A mapping network for the model, descriptions, verdicts and words, each in the working folder."""
    encoder, draw = load_encoder(model), torch.Generator().manual_seed(0)
    width, layers = embedding_table(encoder.model).embedding_dim, {}
    for number, (wide, reads) in {0: (8, encoder.dim), 3: (8, 8), 6: (width, 8)}.items():
        layers |= {f"layers.{number}.weight": torch.randn(wide, reads, generator=draw)}
        layers |= {f"layers.{number}.bias": torch.randn(wide, generator=draw)}
    save_file(layers, home / "phi.safetensors")
    bench = data.load("toy", "val")
    lines = {"targets.jsonl": [], "yes.jsonl": []}
    for query in bench.queries:
        for text in ("the red cat", "a cat"):
            lines["targets.jsonl"].append({"query": query.id, "description": text, "absent": ["dog"]})
        for i, id in enumerate(bench.gallery.ids):
            said = {"judge": "m@1", "query": query.id, "candidate": id, "fits": i % 2 == 1}
            lines["yes.jsonl"].append(said)
    for name, some in lines.items():
        (home / name).write_text("".join(json.dumps(line) + "\n" for line in some))
    (home / "words.txt").write_text("\n".join(["the cat", "red", "", "the red", "in the cat"]) + "\n")
    np.save(home / "mean.npy", np.full(encoder.dim, 0.01, np.float32))
    return home


def evaluated(model, methods, *given):  # noqa: F811
    """The rows of the results by method; each --with of its own."""
    words = [word for method in methods for word in ("--method", method)]
    words += [word for one in given for word in ("--with", one)]
    said = run("evaluate", "--benchmark", "toy", "--encoder", model, "--json", "--no-record", *words).stdout
    return {row["method"] for row in json.loads(said)["results"]}


def test_pseudo_words_from_a_file(files, model):  # noqa: F811
    methods = ["searle", SEARLE_HOST, "lincir", "pic2word"]
    given = [f"{name}=phi.safetensors" for name in ("searle", "lincir", "pic2word")]
    assert evaluated(model, methods, *given) == set(methods)


def test_pseudo_words_by_optimisation(files, model, monkeypatch):  # noqa: F811
    from workbench.encode import inversion

    asked = []
    monkeypatch.setattr(
        inversion.TextualInversion,
        "words",
        lambda self, rows, names: asked.append(self.steps) or np.ones((len(rows), self.width), np.float32),
    )
    monkeypatch.setattr("workbench.case.wording.INVERSION_TEMPLATES", ("the $",))
    host = f"pdv_t(host={pseudo_word('searle_oti')})"
    assert evaluated(model, ["searle_oti", host], "searle_oti") == {"searle_oti", host}
    assert asked == [350], "the released number of steps"


def test_descriptions_and_verdicts(files, model):  # noqa: F811
    methods = [
        "osrcir",
        "object_terms(wanted=0.5, unwanted=0.5)",
        "caption_fusion(alpha=0.5, weight=0.5)",
        "judge_rerank(base='osrcir', judge='yes', depth=3)",
        "verify_compare(base='slerp(alpha=0.8)', judge='yes', depth=3, compare='yes', compared=2)",
    ]
    assert evaluated(model, methods, "descriptions=targets.jsonl", "verdicts.yes=yes.jsonl") == set(methods)


def test_lists_of_words_and_rows(files, model):  # noqa: F811
    method = "basic(pairs=False)"
    given = ("corpus.subjects=words.txt", "corpus.styles=words.txt", "corpus.mean_image=mean.npy")
    assert evaluated(model, [method], *given) == {method}


def test_several_descriptions_keep_their_order(files, model):  # noqa: F811
    given = more.ingredients(["descriptions=targets.jsonl"], load_encoder(model))["descriptions"]
    assert [target.description for target in given["q0"]] == ["the red cat", "a cat"]
    assert given["q0"][0].present == []
    assert given["q0"][0].absent == ["dog"]


def test_pdv_on_ldres_ensembles_takes_the_ldre_beside_it(home, model):  # noqa: F811
    from workbench.case.case import Case
    from workbench.cli import cases

    method = parse_method(f"pdv_f(host={ENSEMBLE})")
    ldre = [parse_method(f"ldre(captions={n})") for n in (1, 2)]
    for others in ([], ldre):
        with pytest.raises(cases.CommandError, match=rf"needs one ldre.*got {len(others)}"):
            cases.load("toy", "val", model, [method, *others])
    captions, images = home / "captions.jsonl", data.load("toy", "val").gallery.images
    kept = [
        Record(images.digest(i), "writer@1", text)
        for i, text in enumerate(["the cat", "red", "cat", "the red"])
    ]
    Records(captions).append(kept)
    case = cases.load("toy", "val", model, [method, ldre[0]], captions=captions)
    assert isinstance(case, Case)
    assert set(ENSEMBLE) < set(case.parts)
    same = parse_method("pdv_f()").score(
        cases.load("toy", "val", model, [parse_method("pdv_f()")], captions=captions)
    )
    np.testing.assert_allclose(method.score(case), same, atol=1e-5, err_msg="of one caption it is CIReVL's")


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (
            "searl=phi.safetensors",
            "--with searl=phi.safetensors: Did you mean 'searle'? Expected one of searle, lincir",
        ),
        ("searle", "--with searle: Expected one of searle"),
        ("searle_oti=phi.safetensors", "each but searle_oti with =FILE"),
        ("verdicts=yes.jsonl", "verdicts.NAME"),
        ("searle=phi.pt", "expected a .safetensors file; make one of a .pt with convert_mapping"),
        ("searle=none.safetensors", "cannot read the mapping network none.safetensors"),
        ("descriptions=words.txt", "words.txt, line 1: "),
        ("descriptions=yes.jsonl", "yes.jsonl, line 1: description: Field required"),
        ("descriptions=none.jsonl", "none.jsonl cannot be read"),
        ("descriptions=empty.txt", "empty.txt is empty"),
        ("verdicts.yes=targets.jsonl", "targets.jsonl, line 1: expected judge and query"),
        ("corpus.subjects=none.txt", "corpus none.txt cannot be read"),
        ("corpus.subjects=empty.txt", "corpus empty.txt is empty"),
    ],
)
def test_a_mistake_is_one_line(files, model, given, part):  # noqa: F811
    (files / "empty.txt").write_text("")
    arguments = ("--benchmark", "toy", "--encoder", model, "--method", "osrcir", "--with", given)
    assert part in error("evaluate", *arguments)


def test_the_same_name_twice(files, model):  # noqa: F811
    with pytest.raises(more.CommandError, match="searle is given twice"):
        more.ingredients(["searle=phi.safetensors"] * 2, None)
    twice = more.ingredients(["verdicts.a=yes.jsonl", "verdicts.b=yes.jsonl"], None)
    assert set(twice["verdicts"]) == {"a", "b"}


def test_a_judge_sorts_imported_features_again(files):
    bench, rng = data.load("toy", "val"), np.random.default_rng(0)
    for name, rows in (("pictures", len(bench.gallery)), ("queries", len(bench.queries))):
        np.save(files / f"{name}.npy", rng.normal(size=(rows, 6)).astype(np.float32))
    rows = ("--queries", "queries.npy", "--gallery", "pictures.npy", "--in-order")
    run("import-embeddings", "mine", "--benchmark", "toy", *rows)
    judged = "judge_rerank(base='composed', judge='yes', depth=4)"
    assert evaluated("imported:mine", ["composed", judged], "verdicts.yes=yes.jsonl") == {"composed", judged}
    asked = ("evaluate", "--benchmark", "toy", "--encoder", "imported:mine", "--method", "composed", "--with")
    said = error(*asked, "descriptions=targets.jsonl")
    assert "imported features are not made here, so descriptions would have no effect" in said
    assert "come without a model" in error(*asked, "searle_oti")


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("searle", "or --with searle=FILE"),
        ("searle_oti", "or --with searle_oti"),
        ("osrcir", "or --with descriptions=FILE"),
        ("judge_rerank(base='slerp(alpha=0.8)', judge='m', depth=2)", "or --with verdicts.m=FILE"),
        ("basic", "or --with corpus.mean_image=FILE"),
    ],
)
def test_what_is_missing_is_said_with_its_option(home, model, method, part):  # noqa: F811
    assert part in error("evaluate", "--benchmark", "toy", "--encoder", model, "--method", method)
