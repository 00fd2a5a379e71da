"""A workbench for zero-shot composed image retrieval: a reference image plus a modification text -> ranked pictures.

The names below are imported when first used, so `import workbench` is quick and needs no torch.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "load": "workbench.data",
    "BENCHMARKS": "workbench.data",
    "Benchmark": "workbench.data.benchmark",
    "Card": "workbench.data.benchmark",
    "Gallery": "workbench.data.benchmark",
    "Qrels": "workbench.data.benchmark",
    "Query": "workbench.data.benchmark",
    "Case": "workbench.case",
    "load_case": "workbench.case",
    "Similarities": "workbench.score.similarities",
    "Term": "workbench.score.similarities",
    "target_ranks": "workbench.score.ranks",
    "linear_target_ranks": "workbench.score.ranks",
    "count_ties": "workbench.score.ranks",
    "top_k": "workbench.score.ranks",
    "METHODS": "workbench.methods",
    "METRICS": "workbench.metrics",
    "bootstrap_interval": "workbench.significance",
    "paired_test": "workbench.significance",
    "evaluate": "workbench.evaluation",
    "results_table": "workbench.evaluation",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"workbench has no {name!r}; its public names are {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
