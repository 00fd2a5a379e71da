"""The texts of a case: captions, edits, modifications, descriptions; each named one made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.case.ingredients import Ingredients
from workbench.case.wording import CaseError
from workbench.language.edits import Failure, edit_captions
from workbench.language.replies import Target
from workbench.score.naming import numbered, take_apart

OWN_CAPTIONS = (
    "For a benchmark: workbench caption. For pictures of your own: "
    "RecordedCaptions.make(CoCaCaptioner(load_encoder('tiny-coca')), 'captions.jsonl'), given as build_case(captions=...)"
)


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts by the name of their part or view: ``of("composed_caption_2")`` is the edit of the second caption."""

    given: Ingredients
    failures: list[Failure] = field(default_factory=list)
    made: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, name: str) -> tuple[str, ...]:
        """One text per query, or per gallery picture."""
        if name not in self.made:
            base, number, _ = take_apart(name)
            self.made[name] = tuple(getattr(self, f"_{base}")(number))
        return self.made[name]

    def descriptions(self, number: int = 1) -> list[Target]:
        """Each query's description of that number. Raises CaseError, naming the first query that has none."""
        given = self.given.descriptions
        lacking = [q.id for q in self.given.benchmark.queries if len(given.get(q.id, ())) < number]
        if lacking:
            raise CaseError(
                f"descriptions: {len(lacking)} queries have fewer than {number}, the first is {lacking[0]!r}; "
                "give build_case(descriptions={query id: [Target(...), ...]}), or --with descriptions=FILE"
            )
        return [given[query.id][number - 1] for query in self.given.benchmark.queries]

    def _modification(self, number: int) -> list[str]:
        return [self.given.wording.modification(query) for query in self.given.benchmark.queries]

    def _reference_caption(self, number: int) -> list[str]:
        def of_gallery(rows):
            return self._captions_of(self.given.pictures, rows, number)

        def of_outside(pictures):
            return self._captions_of(pictures, range(len(pictures)), number)

        return self.given.per_reference(of_gallery, of_outside)

    def _composed_caption(self, number: int) -> tuple[str, ...]:
        recomposer, ids = self.given.recomposer, [query.id for query in self.given.benchmark.queries]
        if recomposer is None:
            self._need_captions()
            raise CaseError("recomposer: got none, but the asked terms need composed captions")
        captions, asked = self.of(numbered("reference_caption", number)[-1]), self.of("modification")
        edits = edit_captions(recomposer, ids, captions, asked)
        self.failures.extend(edits.failures)
        return edits.texts

    def _target_description(self, number: int) -> list[str]:
        return [target.description for target in self.descriptions(number)]

    def _caption(self, number: int) -> tuple[str, ...]:
        return self._captions_of(self.given.pictures, range(len(self.given.pictures)), number)

    def _captions_of(self, pictures: Sequence, rows: Sequence[int], number: int) -> tuple[str, ...]:
        self._need_captions()
        sample = {"sample": number - 1} if number > 1 else {}
        texts = self.given.captions.texts(pictures, rows, **sample)
        mute = [row for row, text in zip(rows, texts, strict=True) if not text.strip()]
        if mute:
            raise CaseError(
                f"{self.given.captions.id} gave {len(mute)} empty captions, the first for picture {mute[0]}"
            )
        return texts

    def _need_captions(self) -> None:
        if self.given.captions is None:
            raise CaseError(f"captions: got none, but the asked terms need them. {OWN_CAPTIONS}")
