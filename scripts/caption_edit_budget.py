"""The error budget of CIReVL on TinyCIR: {oracle, tiny-coca} captions x {oracle, rules, tiny-editor} edits.

    python scripts/caption_edit_budget.py --split test

Prints hit@1 and hit@10 with their intervals, what replacing captions and edits gains in either order, and the error
sources. tiny-editor's edits are recorded as they are made (--edits), so that a second run replays them; a .parquet
file is replayed and never added to.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench import data
from workbench.breakdown.caption_edit import chain_cases, error_budget, error_sources, substitutions
from workbench.encode.encoder import load_encoder
from workbench.evaluation import results_table
from workbench.language import RECOMPOSERS
from workbench.language.cache import RecordedCaptions, RecordedEdits
from workbench.language.oracle import OracleCaptions, OracleEdits
from workbench.language.recompose import RuleRecomposer
from workbench.paths import benchmark_root, cache_root
from workbench.tables import main_table, to_text

METRICS = ["hit@1", "hit@10"]
CHAIN, TRUTH = "tiny-coca + tiny-editor", "oracle + rules"


def recorded_edits(path: Path) -> RecordedEdits:
    """tiny-editor's edits: replayed from a .parquet file, made where a .jsonl file lacks them."""
    if path.suffix == ".parquet":
        return RecordedEdits.replay(path)
    return RecordedEdits.make(RECOMPOSERS.get("tiny-editor")(), path)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--split", choices=["val", "test"], default="val")
    ask.add_argument("--edits", type=Path, default=cache_root() / "language" / "edits-tinycir.jsonl")
    given = ask.parse_args()

    bench = data.load("tinycir", given.split)
    captions = {
        "oracle": OracleCaptions.of(bench),
        "tiny-coca": RecordedCaptions.replay(benchmark_root("tinycir") / "captions.jsonl"),
    }
    edits = {
        "oracle": OracleEdits.of(bench, *captions.values()),
        "rules": RuleRecomposer(),
        "tiny-editor": recorded_edits(given.edits),
    }
    cases = chain_cases(bench, load_encoder("tiny-coca"), captions, edits)
    frame = error_budget(cases, METRICS)
    print(to_text(main_table(results_table(frame, METRICS, baseline=CHAIN))))
    for metric in METRICS:
        print(f"\n{metric}, from {CHAIN} to {TRUTH}")
        print(to_text(substitutions(frame, CHAIN, TRUTH, metric).round(4)))
    print("\nqueries by what made the first picture right or wrong")
    sources = error_sources(cases).groupby(["method", "source"], sort=False).size()
    print(to_text(sources.unstack(fill_value=0).reset_index()))
    failed = {name: len(case.failures) for name, case in cases.items() if case.failures}
    print(f"\nedits that failed: {failed or 'none'}")


if __name__ == "__main__":
    main()
