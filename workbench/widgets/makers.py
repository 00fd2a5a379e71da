"""Who makes rows and texts for questions that the benchmark does not have: the case's encoder, captioner and editor.

A case knows them by their ids. Those of the built-in world are found again by name; any other one is given. Whoever
is found or given must be who made the case: rows of two encoders cannot be compared.
"""

from __future__ import annotations

import re
import warnings
from functools import cached_property

from PIL import Image

from workbench.arrays import Float
from workbench.case import Case
from workbench.encode.encoder import ENCODERS, Encoder, load_encoder
from workbench.language import RECOMPOSERS
from workbench.language.captions import Captioner
from workbench.language.edits import Edits, edit_captions
from workbench.language.recompose import Recomposer
from workbench.widgets.view import ViewError


class Makers:
    """Loaded when first needed. Raises ViewError where one is lacking, or is another than the case was made with."""

    def __init__(
        self,
        case: Case,
        encoder: Encoder | None = None,
        captioner: Captioner | None = None,
        recomposer: Recomposer | None = None,
    ):
        self.case, self._given = case, (encoder, captioner, recomposer)

    @cached_property
    def encoder(self) -> Encoder:
        encoder, name = self._given[0], self.case.encoder.partition("@")[0]
        if encoder is None and name in ENCODERS:
            encoder = load_encoder(name)
        return self._same("encoder", encoder, self.case.encoder)

    @cached_property
    def captioner(self) -> Captioner:
        captioner = self._given[1]
        if captioner is None and self.case.captions == self.case.encoder:
            from workbench.language.coca import CoCaCaptioner  # torch enters here

            captioner = CoCaCaptioner(self.encoder)
        return self._same("captioner", captioner, self.case.captions)

    @cached_property
    def recomposer(self) -> Recomposer:
        recomposer, name = self._given[2], re.split("[:@]", self.case.recomposer or "")[0]
        if recomposer is None and name in RECOMPOSERS:
            recomposer = RECOMPOSERS.get(name)()
        return self._same("recomposer", recomposer, self.case.recomposer)

    def encode_image(self, picture: Image.Image) -> Float["1 D"]:
        return self.encoder.encode_images([picture])

    def encode_text(self, text: str) -> Float["1 D"]:
        """The raw row of a text under the case's prompt."""
        return self.encoder.encode_texts([self.case.wording.prompt.replace("{}", text)])

    def caption(self, picture: Image.Image) -> str:
        return self.captioner.caption([picture])[0].text

    def edit(self, caption: str, modification: str) -> Edits:
        """The edited caption; where it cannot be had, the modification stands in and the edits say why."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the failure is shown beside the answer
            return edit_captions(self.recomposer, ["own"], [caption], [modification])

    def _same(self, role: str, maker, id: str | None):
        if maker is None or maker.id != id:
            got = "none could be found by that id" if maker is None else f"got {maker.id}"
            raise ViewError(
                f"a question of your own needs the case's {role}, {id}; {got}. Give it: Explorer(case, {role}=...)"
            )
        return maker
