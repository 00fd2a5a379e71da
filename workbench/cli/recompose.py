"""workbench recompose: the captions of a benchmark's reference images edited, every edit kept in its records."""

from __future__ import annotations

from workbench.cli import language
from workbench.cli.base import CommandError, Device, app


@app.command()
def recompose(
    benchmark: language.Benchmark = "tinycir",
    split: language.Split = "val",
    recomposer: language.Recomposer = "tiny-editor",
    model: language.Model = None,
    key: language.Key = None,
    prompt: language.PromptName = None,
    captions: language.Captions = None,
    caption_sample: language.CaptionSample = 0,
    join: language.Join = None,
    samples: language.Samples = 1,
    temperature: language.Temperature = 0.0,
    top_p: language.TopP = 1.0,
    seed: language.Seed = 0,
    max_tokens: language.MaxTokens = None,
    workers: language.Workers = None,
    max_calls: language.MaxCalls = None,
    budget_tokens: language.BudgetTokens = None,
    timeout: language.Timeout = 120.0,
    out: language.EditsOut = None,
    device: Device = None,
) -> None:
    """Edit every query's reference caption; what is recorded is not made again, what failed is asked again."""
    decoding = language.decoding_of(temperature, top_p, seed, max_tokens, samples)
    server = language.server_of(recomposer, model, key, timeout)
    how = language.how_of(server, workers, max_calls, budget_tokens)
    from workbench.language.cache import RecordedCaptions, RecordedEdits
    from workbench.language.prompts import load_prompt
    from workbench.language.recompose import load_recomposer
    from workbench.paths import benchmark_root

    told = load_prompt(prompt, "edit") if prompt else None
    known = RecordedCaptions.replay(captions or benchmark_root(benchmark) / "captions.jsonl")
    texts, modifications = questions_of(benchmark, split, known, caption_sample, join)
    source = load_recomposer(recomposer, server=server, prompt=told, decoding=decoding, device=device)
    path = out or benchmark_root(benchmark) / "edits.jsonl"
    outcomes = language.fill(RecordedEdits.make(source, path, **how), samples, texts, modifications)
    language.report(outcomes, f"edits by {source.id}", path)


def questions_of(benchmark: str, split: str, captions, sample: int, join: str | None):
    """(captions, modifications) of a split's queries, in their order. Raises CommandError and MissingRecords."""
    from workbench import data
    from workbench.case.wording import Wording

    loaded = data.load(benchmark, split)
    outside = [query.id for query in loaded.queries if query.reference is None]
    if outside:
        raise CommandError(
            f"{benchmark}: the reference of {len(outside)} queries (first: {outside[0]!r}) is not in the gallery, and "
            "so has no recorded caption"
        )
    texts = captions.texts(loaded.gallery.images, [query.reference for query in loaded.queries], sample)
    wording = Wording(join=join)
    return texts, [wording.modification(query) for query in loaded.queries]
