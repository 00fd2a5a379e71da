"""TinyCIR, the benchmark that comes with the workbench. Read in this order: world (what there is), draw
(cards to pictures), words (cards to texts), grammar (texts back to cards), compose (which questions are
asked), build (files), benchmark (files to Benchmark)."""

from workbench.data.tinycir.benchmark import attributes, description_benchmark, descriptions, load

__all__ = ["attributes", "description_benchmark", "descriptions", "load"]
