"""CIReVL: the composed caption alone."""

import numpy as np

from tests.conftest import ArrayCase
from workbench.arrays import unit
from workbench.case.wording import joined
from workbench.data.benchmark import Gallery, qrels_from_ids
from workbench.language.importers import _Edited
from workbench.language.prompts import Prompt
from workbench.methods import CIReVL
from workbench.metrics import recall_at
from workbench.score.ranks import target_ranks


def test_naive_formula_and_nothing_else_enters(make_case):
    case = make_case(seed=2)
    alone = ArrayCase(
        {"composed_caption": case.parts["composed_caption"]}, {"image": case.views["image"]}
    )  # no picture of the reference is needed
    naive = [[q @ g for g in unit(case.views["image"])] for q in unit(case.parts["composed_caption"])]
    np.testing.assert_allclose(CIReVL().score(alone), naive, atol=1e-6)


def test_fashioniq_recall_of_the_released_code(golden):
    data, expected = golden("cir/fiq_recall", "input.npz"), golden("cir/fiq_recall", "expected.json")
    case = ArrayCase({"composed_caption": data["query"]}, {"image": data["gallery"]})
    gallery = Gallery(tuple(data["gallery_names"].tolist()))
    ranks = target_ranks(
        CIReVL().score(case), qrels_from_ids(gallery, data["target_names"][:, None].tolist())
    )
    for k in (1, 5, 10, 50):
        published = expected["metrics_percent"]["cirevl"][f"Recall@{k}"]
        assert abs(100 * recall_at(ranks, k).mean() - published) < 1e-4


def test_texts_of_the_released_code(golden):
    """Joined instructions, the question, the parsed replies, the file of edits: a prompt of one's own can do as it does.

    Only the pickle of captions is left out ("caption_cache_keys_in_order"): reading one runs code.
    """
    given, expected = golden("cir/cirevl_text", "input.json"), golden("cir/cirevl_text", "expected.json")
    asked = [text for pair in given["caption_pairs"] for text in joined("cirevl", tuple(pair))]
    assert asked == expected["instruction"]
    message = "\nImage Content: {caption}\nInstruction: {change}"
    prompt = Prompt(name="released", version=1, task="edit", use="a test", reads="cirevl", message=message)
    questions = [prompt.messages("caption", text)[-1]["content"] for text in asked]
    assert questions == expected["query_tail_of_prompt"]
    edited = [prompt.read(reply, text) for reply, text in zip(given["replies"], asked, strict=True)]
    assert edited == expected["modified_captions"]
    assert list(_Edited.model_fields) == expected["mods_cache_keys"]
    assert len(expected) == 5
