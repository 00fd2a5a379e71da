"""tiny-editor: lessons from what the benchmark leaves out, a small folder any transformers can load, right edits."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from accuracy import edits, judge, load_editor, misheard, questions, reworded
from pairs import combinations_digest, made_up, may_train, stand_in, trainable, training_pair
from tokens import build_tokenizer, prompt
from wordings import OUTSIDE, UNSEEN, WORDINGS, vocabulary, world_words

from workbench.data.tinycir import attributes, descriptions
from workbench.data.tinycir.grammar import parse_description
from workbench.data.tinycir.words import describe_values
from workbench.data.tinycir.world import KINDS
from workbench.language import RECOMPOSERS
from workbench.paths import data_root

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts" / "tiny_editor"
FOLDER = data_root() / "models" / "tiny-editor"
ASKED = [
    ("a pink critter with a crown and two eyes looking sad", "lose the crown"),
    ("a striped mint planet with no ring and two moons", "give it a thick ring and make it lime"),
    (
        "a person in a blue shirt with a hat , sunglasses and a beard",
        "no beard, and swap the hat for a mohawk",
    ),
    ("a tulip in a white pot looking sleepy", "the pot should be orange"),
]
EDITED = [
    "a pink critter with a bare head and two eyes looking sad",
    "a striped lime planet with a thick ring and two moons",
    "a person in a blue shirt with a mohawk, sunglasses and no beard",
    "a tulip in an orange pot looking sleepy",
]


def script(name: str):
    """A script of the folder as a module; its name is taken by tiny-coca's script of the same name."""
    spec = importlib.util.spec_from_file_location(f"tiny_editor_{name}", SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def lessons():
    rng = np.random.default_rng(11)
    return [training_pair(rng) for _ in range(4000)]


@pytest.fixture(scope="module")
def editor():
    return load_editor(FOLDER)


def combination(text: str) -> tuple[str, ...] | None:
    """(kind, every spoken value) a text names; None where it leaves one out."""
    kind, values = parse_description(text)
    names = [a.name for a in KINDS[kind].spoken]
    return (kind, *(values[n] for n in names)) if all(n in values for n in names) else None


def in_the_world(lessons):
    """The pairs whose words are all TinyCIR's."""
    known = [p for p in lessons if p.said]
    assert len(known) > len(lessons) / 2
    return known


def test_no_lesson_holds_a_combination_of_the_benchmark(lessons):
    asked = {
        (row["kind"], *(row[a.name] for a in KINDS[row["kind"]].spoken)) for row in attributes().values()
    }
    seen = [combination(text) for p in in_the_world(lessons) for text in (p.caption, p.reply)]
    told = {c for c in seen if c}
    assert len(told) > 500 and len(asked) > 500
    assert not told & asked
    for kind in KINDS:
        assert not {(kind, *c) for c in trainable(kind)} & asked


def test_a_lesson_about_other_things_names_no_combination_at_all(lessons):
    outside = [p for p in lessons if not p.said]
    assert 0.15 < len(outside) / len(lessons) < 0.35
    assert not set(OUTSIDE) & world_words()
    for pair in outside:
        assert set(re.findall(r"[a-z]+", pair.caption + " " + pair.reply + " " + pair.change)) - world_words()


def test_the_reply_is_the_caption_with_the_asked_change_and_nothing_else(lessons):
    for pair in in_the_world(lessons):
        assert pair.reply == describe_values(pair.kind, {**pair.said, **pair.asked})
        assert parse_description(pair.caption) == (pair.kind, pair.said), pair
        assert may_train(pair.kind, {**pair.said, **pair.asked})


def test_lessons_have_wrong_and_missing_values_two_edits_and_negations(lessons):
    known = in_the_world(lessons)
    gaps = np.mean([combination(p.caption) is None for p in known])
    two = np.mean([len(p.asked) == 2 for p in known])
    absent = [p for p in known if any(n not in p.said for n in p.asked)]
    negated = [p for p in known if re.search(r"\b(no|not|without|instead of)\b", p.change)]
    assert 0.05 < gaps < 0.2 and 0.35 < two < 0.55
    assert len(absent) > 100 and len(negated) > 300


def test_stand_ins_keep_their_article():
    rng = np.random.default_rng(2)
    for word in ("orange", "crown", "afro", "mint"):
        made = {stand_in(word, rng)[0] in "aeiou" for _ in range(50)}
        assert made == {word[0] in "aeiou"}
    assert all(made_up(rng).isalpha() for _ in range(50))


def test_unseen_wordings_are_not_trained_on():
    assert set(UNSEEN) == set(WORDINGS)
    for style, wordings in UNSEEN.items():
        assert not set(wordings) & set(WORDINGS[style])


def test_every_word_the_benchmark_uses_is_one_token():
    tokenizer = build_tokenizer(vocabulary())
    asked = [q.change for split in ("val", "test") for q in questions(split)]
    for word in {w.strip(",.") for text in [*asked, *descriptions().values()] for w in text.split()}:
        assert len(tokenizer.encode(f" {word}")) == 1, word


def test_any_text_is_written_and_read_back():
    tokenizer = build_tokenizer(vocabulary())
    for text in ("a two-eyed xylophone; ça va? \U0001f600", "a crown,and , horns"):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_only_the_reply_is_learned():
    train = script("train")
    tokenizer = build_tokenizer(vocabulary())
    rng = np.random.default_rng(5)
    pairs = [training_pair(rng) for _ in range(6)]
    tokens, labels = train.collate([train.encode(p, tokenizer) for p in pairs], tokenizer.pad_token_id)
    assert tokens.shape == labels.shape
    for pair, row, wanted in zip(pairs, tokens, labels, strict=True):
        assert tokenizer.decode(wanted[wanted != train.IGNORED]) == pair.reply + tokenizer.eos_token
        chat = [*prompt(pair.caption, pair.change), {"role": "assistant", "content": pair.reply}]
        ids = tokenizer.apply_chat_template(chat, return_dict=False)
        assert ids == [t for t in row.tolist() if t != tokenizer.pad_token_id]


def test_the_schedule_warms_up_and_ends_at_nothing():
    train = script("train")
    rates = [train.learning_rate(p, 2.0) for p in np.linspace(0, 1, 101)]
    assert rates[0] == 0 and rates[-1] == pytest.approx(0, abs=1e-9)
    assert 1.9 < max(rates) <= 2.0 and np.all(np.diff(rates[4:]) < 0)


def test_batches_depend_on_seed_and_step_alone():
    train = script("train")
    tokenizer = build_tokenizer(vocabulary())
    first = train.pool(3, 2, 0, tokenizer)
    assert first == train.pool(3, 2, 0, tokenizer)
    assert first != train.pool(4, 2, 0, tokenizer) and first != train.pool(3, 2, 1, tokenizer)


def test_the_folder_is_small_half_precision_and_of_this_hold_out():
    from safetensors import safe_open

    assert sum(p.stat().st_size for p in FOLDER.iterdir()) < 6_000_000
    with safe_open(FOLDER / "model.safetensors", framework="np") as weights:
        assert {str(weights.get_tensor(k).dtype) for k in weights.keys()} == {"float16"}  # noqa: SIM118
    record = json.loads((FOLDER / "training_args.json").read_text())
    assert record["combinations"] == combinations_digest(), "trained on what the benchmark asks; train again"
    assert record["step"] == record["steps"]


def test_the_folder_loads_as_any_other(editor):
    model, tokenizer = editor
    assert model.dtype == torch.float32
    assert tokenizer.get_vocab() == build_tokenizer(vocabulary()).get_vocab()
    with pytest.raises(Exception, match="user and assistant"):
        tokenizer.apply_chat_template([{"role": "system", "content": "be nice"}])


def test_edits_that_generalise(editor):
    assert edits(*editor, ASKED) == EDITED


def test_an_edit_alone_is_an_edit_in_a_batch(editor):
    assert [edits(*editor, [pair])[0] for pair in ASKED] == edits(*editor, ASKED)


def test_the_registered_recomposer_gives_the_same_edits(editor):
    recomposer = RECOMPOSERS.get("tiny-editor")()
    assert recomposer.id.startswith("tiny-editor@")
    assert [recomposer.recompose(*pair) for pair in ASKED] == edits(*editor, ASKED)


@pytest.mark.slow
def test_nine_in_ten_validation_edits_are_exact(editor):
    asked = questions("val")
    edited = edits(*editor, [(q.caption, q.change) for q in asked])
    right = [judge(q, e) for q, e in zip(asked, edited, strict=True)]
    assert np.mean([r["asked"] for r in right]) >= 0.9
    assert np.mean([r["whole"] for r in right]) >= 0.9


def test_judging_tells_the_asked_from_the_whole():
    question = next(q for q in questions("val") if q.style == "recolour")
    kind, said = parse_description(question.caption)
    assert judge(question, question.expected) == {"asked": True, "whole": True, "target": True}
    assert judge(question, question.caption)["asked"] is False
    assert judge(question, "nothing at all") == {"asked": False, "whole": False, "target": False}
    name = next(n for n in said if n not in question.edit)
    other = next(v for v in KINDS[kind].attribute(name).values if v != said[name])
    spoiled = describe_values(kind, {**said, **question.edit, name: other})
    assert judge(question, spoiled) == {"asked": True, "whole": False, "target": False}


def test_rewording_keeps_what_is_meant():
    asked = questions("val")[:50]
    for before, after in zip(asked, reworded(asked), strict=True):
        assert after.change != before.change and after.expected == before.expected
        for change in after.changes:
            last = change.new.split()[-1]
            assert change.new == "none" or last in after.change


def test_the_report_gives_shares_per_edit_with_intervals():
    report = script("report")
    asked = questions("val")
    spoiled = [q.expected if n % 4 else q.caption for n, q in enumerate(asked)]
    rows = report.rows_of(asked, spoiled, captions="true", editor="tiny-editor")
    assert rows[0]["edit"] == "all" and rows[0]["queries"] == 500 == sum(r["queries"] for r in rows[1:])
    mean, low, high = rows[0]["whole"]
    assert mean == 0.75 and low < mean < high
    assert report.share([0.5, 0.25, 1.0]) == "50.0 % [25.0, 100.0]"
    made = {"results": rows + report.rows_of(asked, spoiled, captions="true", editor="rules")}
    table = report.per_edit(made)
    assert len(table) == 2 + len(rows) - 1
    assert all(line.count("|") == 5 for line in table)


def test_the_report_rewrites_the_card_between_its_marks_alone(tmp_path):
    report = script("report")
    card = tmp_path / "README.md"
    card.write_text("before\n" + "\n".join(report.MARKS) + "\nafter\n")
    for text in ("first", "second"):
        report.write_card(card, text)
    assert card.read_text() == f"before\n{report.MARKS[0]}\n\nsecond\n\n{report.MARKS[1]}\nafter\n"
    card.write_text("no marks")
    with pytest.raises(ValueError, match="end of results"):
        report.write_card(card, "third")


def test_simulated_errors_spoil_captions_but_not_what_is_meant():
    asked = questions("val")[:80]
    heard = misheard(asked)
    assert [q.edit for q in heard] == [q.edit for q in asked]
    assert 0.2 < np.mean([h.expected != a.expected for h, a in zip(heard, asked, strict=True)]) < 0.95
    assert heard == misheard(asked) != misheard(asked, seed=1)
