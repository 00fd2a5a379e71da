"""What some methods need beside pictures, captions and edits, by name: `--with searle=phi.safetensors`.

searle=FILE, lincir=FILE, pic2word=FILE     a mapping network (.safetensors)
searle_oti                                  each reference's word is optimised, at the released settings
descriptions=FILE                           a model's descriptions of the targets (.jsonl)
verdicts.NAME=FILE                          a judge's verdicts (.jsonl), under the name that the method's label says
corpus.NAME=FILE                            rows (.npy), or a text per line: BASIC's subjects, styles, mean_image ...
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.base import CommandError
from workbench.registry import nearest

if TYPE_CHECKING:
    from workbench.encode.encoder import Encoder

With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        help="again for each: searle=FILE, lincir=FILE, pic2word=FILE (mapping networks, .safetensors), searle_oti, "
        "descriptions=FILE, verdicts.NAME=FILE (.jsonl), corpus.NAME=FILE (.npy or .txt)",
    ),
]
NETWORKS, FORMS = ("searle", "lincir", "pic2word"), ("verdicts", "corpus")
KNOWN = (*NETWORKS, "searle_oti", "descriptions", *(f"{form}.NAME" for form in FORMS))


def ingredients(given: Sequence[str] | None, encoder: Encoder | None) -> dict:
    """The keywords of `build_case` that the options stand for. Raises CommandError, and what reading a file raises.

    encoder: for words that are optimised here; None where the case is of imported features.
    """
    made: dict[str, dict] = {}
    for text in given or ():
        name, _, file = text.partition("=")
        kind, key, value = _ingredient(name, file, encoder)
        if key in made.setdefault(kind, {}):
            raise CommandError(f"--with {text}: {name} is given twice")
        made[kind][key] = value
    return made | ({"descriptions": made["descriptions"][""]} if "descriptions" in made else {})


def _ingredient(name: str, file: str, encoder: Encoder | None):
    """(keyword of `build_case`, name in it, what it is)."""
    form, _, own = name.partition(".")
    known = name in (*NETWORKS, "searle_oti", "descriptions") or (form in FORMS and own)
    if not known or bool(file) != (name != "searle_oti"):
        near = "" if known else nearest(name, KNOWN)
        raise CommandError(
            f"--with {name}{'=' if file else ''}{file}:{near} Expected one of {', '.join(KNOWN)}; each but searle_oti "
            "with =FILE"
        )
    if name in NETWORKS:
        from workbench.encode.pseudo_tokens import load_mapping

        return "pseudo_words", name, load_mapping(file)
    if name == "searle_oti":
        return "pseudo_words", name, _inversion(encoder)
    if name == "descriptions":
        from workbench.language.descriptions import read_descriptions

        return "descriptions", "", read_descriptions(file)
    if form == "verdicts":
        from workbench.language.verdicts import Verdicts

        return "verdicts", own, Verdicts.read(file)
    return "corpora", own, _corpus(Path(file))


def _inversion(encoder: Encoder | None):
    from workbench.case.wording import INVERSION_TEMPLATES
    from workbench.encode.inversion import TextualInversion

    if encoder is None:
        raise CommandError("--with searle_oti: imported features come without a model that could read a word")
    return TextualInversion(getattr(encoder, "loaded", encoder), INVERSION_TEMPLATES)


def _corpus(path: Path):
    """Rows, or texts. Raises CommandError where the file holds neither."""
    import numpy as np

    try:
        if path.suffix == ".npy":
            rows = np.load(path, allow_pickle=False)
            return np.atleast_2d(rows)
        texts = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise CommandError(f"corpus {path} cannot be read: {error}") from error
    if not texts:
        raise CommandError(f"corpus {path} is empty, expected a text per line")
    return texts
