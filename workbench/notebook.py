"""What the notebooks share: set-up, a case ready to score, checked numbers, tables, figures, and cleaning.

    import workbench.notebook as nb
    nb.setup()
    case = nb.load_case(benchmark, encoder, split, ImageOnly(), TextOnly())
    nb.expect("hit@1, weighted sum", value, 0.42, within=0.03, case=case)

A command keeps committed notebooks small and quiet: `python -m workbench.notebook clean notebooks/*.ipynb`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import SVG, display
from matplotlib.figure import Figure

from workbench import case as cases
from workbench.capture import Capture
from workbench.case import Case
from workbench.data.benchmark import Benchmark
from workbench.evaluation import evaluate, results_table
from workbench.language.recompose import RuleRecomposer
from workbench.methods import LinearMethod, Method, label
from workbench.metrics import parse_metric
from workbench.paths import home, inside
from workbench.plots.hub_gallery import Captured, HubLine, hub_gallery
from workbench.plots.style import same_drawing, svg
from workbench.plots.triplets import Ranked, Triplet, triplet_sheet
from workbench.score.line import RankCurves, rank_curves
from workbench.score.ranks import top_k
from workbench.tables import to_markdown, to_text

__all__ = [
    "ExpectationError",
    "clean",
    "curve",
    "expect",
    "line",
    "load_case",
    "save_figure",
    "setup",
    "shares",
    "show",
    "show_hubs",
    "show_targets",
    "show_triplets",
    "steps",
    "title",
]

BUILT_IN = ("tinycir", "val", "tiny-coca")  # the setting that the numbers in the notebooks' prose belong to


class ExpectationError(AssertionError):
    """A number that the text relies on came out differently; the message has both."""


def setup() -> None:
    """Tables that fit a page. (Progress bars of long work are wanted here; batch runs set TQDM_DISABLE=1.)"""
    pd.set_option("display.width", 120)
    pd.set_option("display.precision", 3)


def load_case(benchmark: str, encoder: str, split: str, *methods: Method) -> Case:
    """A case by names with what `methods` need and nothing more; captions are edited by rules. Raises as `case.load_case`."""
    terms = [term for one in methods for term in one.terms]
    return cases.load_case(benchmark, encoder, split, terms=terms, recomposer=RuleRecomposer())


def is_built_in(case: Case) -> bool:
    """Whether `case` is the setting that the notebooks' text was written for."""
    name, split, encoder = BUILT_IN
    return (case.benchmark.name, case.benchmark.split) == (name, split) and case.encoder.startswith(encoder)


def expect(
    name: str, value: float, expected: float, *, within: float, case: Case | None = None, when: bool = True
) -> None:
    """Hold a number to what the text says of it, and print the expected value, which is the same on every machine.

    On another case than the built-in one, or not `when` the parameters are those the text is about, nothing is
    expected: the value is printed as it is.
    Raises ExpectationError where they are further apart than `within` (NaN always is).
    """
    if not when or (case is not None and not is_built_in(case)):
        print(f"{name}: {value:.4g}")
        return
    if not abs(value - expected) <= within:  # written so that NaN fails
        raise ExpectationError(f"{name}: got {value:.6g}, expected {expected:g} within {within:g}")
    print(f"{name}: {expected:g} (within {within:g}) ok")


def expecting(case: Case, when: bool = True) -> Callable[..., None]:
    """`expect` for many numbers of one case: name, value, expected and `within` remain to be said."""
    return partial(expect, case=case, when=when)


def title(finding: str, otherwise: str, *, case: Case | None = None, when: bool = True) -> str:
    """A figure's title: the finding where the text's own case is drawn, as `expect` has it; elsewhere, what is drawn.

    A finding that somebody saw on one case must not be printed over the figure of another.
    """
    return finding if when and (case is None or is_built_in(case)) else otherwise


def show(frame: pd.DataFrame) -> None:
    """A table as text: Markdown where that is rendered."""
    display({"text/markdown": to_markdown(frame), "text/plain": to_text(frame)}, raw=True)


def save_figure(figure: Figure, name: str, folder: str = "figures") -> None:
    """Write `figure` to <folder>/<name>.svg in the workbench's home, and show it.

    A file that shows the same but for the last digits of its coordinates stays as it is, so that running a notebook on
    another processor changes nothing. Raises PathEscape for a folder or name that leads out.
    """
    path = inside(home(), Path(folder) / f"{name}.svg")
    drawing = svg(figure)
    if not (path.is_file() and same_drawing(path.read_text("utf-8"), drawing)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(drawing, "utf-8")
    display(SVG(drawing))


def curve(
    case: Case,
    families: Mapping[str, Callable[[float], Method]],
    parameter: str,
    values: Sequence[float],
    metrics: Sequence[str],
    seed: int = 0,
) -> pd.DataFrame:
    """A results table along one parameter: each family is a name and what makes a method of a value.

    Rows as `evaluation.results_table` has them, `method` being the family's name, and a column for the parameter.
    """
    setting = {f"{name} {value}": (name, value) for name in families for value in values}
    methods = {key: families[name](value) for key, (name, value) in setting.items()}
    results = results_table(evaluate(case, methods, metrics), metrics, seed=seed)
    family, value = zip(*results["method"].map(setting), strict=True)
    return results.assign(method=family, **{parameter: value})


def line(case: Case, start: Method, end: Method) -> RankCurves:
    """The exact target ranks on the way from one linear method to another over the same terms."""
    sims = case.similarities(start.terms)
    weights = (method.weights(sims.gram) for method in (start, end))
    return rank_curves(*weights, sims, case.benchmark.qrels["default"])


def steps(
    curves: Mapping[str, RankCurves], parameter: str, ends: tuple[float, float], metrics: Sequence[str]
) -> pd.DataFrame:
    """Exact curves as rows for a figure, two per step: method, metric, the parameter (from ends[0] to ends[1]), value."""
    frames = []
    for (name, one), metric in itertools.product(curves.items(), metrics):
        places, values = one.mean(parse_metric(metric))
        around = np.column_stack([np.append(0.0, np.nextafter(places, 2)), np.append(places, 1.0)])
        along = ends[0] + around.ravel() * (ends[1] - ends[0])
        rows = {"method": name, "metric": metric, parameter: along, "value": values.repeat(2)}
        frames.append(pd.DataFrame(rows))
    return pd.concat(frames, ignore_index=True)


def shares(case: Case, methods: Sequence[LinearMethod]) -> pd.DataFrame:
    """How linear methods weigh the query parts: their weights divided by the sum, each a mean over the queries.

    A row per method (its label), a column per part; 0 for a part that a method does not use.
    """
    rows = {}
    for method in methods:
        sims = case.similarities(method.terms)
        weights = sims.weights_per_query(method.weights(sims.gram)).astype(np.float64)
        mean = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
        rows[label(method)] = pd.Series(mean, [part for part, _ in sims.terms]).groupby(level=0).sum()
    return pd.DataFrame(rows).T.fillna(0.0)


def triplets(case: Case, methods: Mapping[str, Method], queries: Sequence[int], k: int = 6) -> list[Triplet]:
    """What each method puts first for some queries, ready for a sheet."""
    qrels = case.benchmark.qrels["default"]
    found = {name: top_k(method.score(case), k, qrels) for name, method in methods.items()}
    images = case.benchmark.gallery.images
    sheet = []
    for q in queries:
        query, right = case.benchmark.queries[q], set(qrels.targets[q].tolist())
        results = {
            name: Ranked([images[int(n)] for n in rows[q]], [int(n) in right for n in rows[q]])
            for name, rows in found.items()
        }
        sheet.append(Triplet(images[query.reference], " / ".join(query.modification), results))
    return sheet


def show_triplets(
    case: Case, methods: Mapping[str, Method], queries: Sequence[int], title: str, k: int = 6
) -> Figure:
    """A sheet: reference image, modification text, and the first k of each method, targets marked."""
    return triplet_sheet(triplets(case, methods, queries, k), title)


def show_hubs(case: Case, captured: Capture, items: Sequence[int], title: str, queries: int = 3) -> Figure:
    """A sheet of hubs (rows of the gallery): each with the first queries that it captures wrongly, those lost to it first."""
    images, lines = case.benchmark.gallery.images, []
    for item in items:
        hub = captured.hubs.set_index("item").loc[item]
        places = captured.places.query("item == @item and not right")
        some = places.sort_values(["lost", "place"], ascending=[False, True]).head(queries)
        pairs = [
            Captured(
                images[case.benchmark.queries[row["query"]].reference],
                row["modification"],
                images[row["target"]] if row["target"] >= 0 else None,
                f"the hub at {row['place']},\nthe target at {row['target_rank']}",
            )
            for row in some.to_dict("records")
        ]
        text = f"in {hub['n_k']} lists,\n{hub['times_mean']:.0f} times the mean:\nright {hub['right']}, wrong {hub['wrong']};\n"
        lines.append(HubLine(images[item], f"{text}queries lost: {hub['lost']:.1f}", pairs))
    return hub_gallery(lines, title)


def show_targets(benchmark: Benchmark, queries: Sequence[int], title: str) -> Figure:
    """A sheet of what counts as right: reference image, modification text, every target; the subset where there is one."""
    images, subset = benchmark.gallery.images, benchmark.qrels.get("subset")
    sheet = []
    for q in queries:
        query = benchmark.queries[q]
        right = [int(n) for n in benchmark.qrels["default"].targets[q] if n >= 0]
        results = {"targets": Ranked([images[n] for n in right], [True] * len(right), [""] * len(right))}
        if subset is not None and subset.candidates is not None:
            among = [int(n) for n in subset.candidates[q] if n >= 0]
            marks = [n in subset.targets[q] for n in among]
            results["subset"] = Ranked([images[n] for n in among], marks, [""] * len(among))
        sheet.append(Triplet(images[query.reference], " / ".join(query.modification), results))
    return triplet_sheet(sheet, title)


def clean(path: Path) -> bool:
    """Keep of a notebook what is committed: sources, tags, and outputs that are text. True where that changed it."""
    import nbformat  # the `notebooks` extra

    before = path.read_text("utf-8")
    book = nbformat.reads(before, as_version=4)
    for cell in book.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = _in_one([kept for output in cell.outputs if (kept := _text_only(output))])
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    after = nbformat.writes(book) + "\n"
    if after != before:
        path.write_text(after, "utf-8")
    return after != before


def _in_one(outputs: list) -> list:
    """What was printed in pieces, as one: where it was cut depends on the clock."""
    whole = []
    for output in outputs:
        if whole and output.output_type == whole[-1].output_type == "stream":
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def _text_only(output):
    """The output without pictures, HTML and metadata; None where nothing is left. Errors stay, to be seen."""
    if output.output_type == "stream":
        return output if output.name == "stdout" else None
    if output.output_type == "error":
        return output
    data = {kind: value for kind, value in output.data.items() if kind in ("text/plain", "text/markdown")}
    if not data or any(kind.startswith(("image/", "application/")) for kind in output.data):
        return None  # a picture's plain text is only "<IPython.core.display.SVG object>"
    output.data, output.metadata = data, {}
    return output


def main(arguments: Sequence[str]) -> int:
    """`python -m workbench.notebook clean FILE ...`; returns the exit code."""
    if len(arguments) < 2 or arguments[0] != "clean":
        print("usage: python -m workbench.notebook clean FILE.ipynb ...", file=sys.stderr)
        return 2
    for name in arguments[1:]:
        print(f"{name}: {'cleaned' if clean(Path(name)) else 'was clean'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
