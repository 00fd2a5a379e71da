"""workbench recompose: the captions of a benchmark's reference images edited, every edit kept in its records."""

from __future__ import annotations

from workbench.cli import language
from workbench.cli.base import Device, app
from workbench.cli.score import Choice, Root, choices


@app.command()
def recompose(
    benchmark: language.Benchmark = "tinycir",
    split: language.Split = "val",
    root: Root = None,
    choice: Choice = None,
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
    from workbench import data
    from workbench.language.cache import RecordedCaptions, RecordedEdits
    from workbench.language.prompts import load_prompt
    from workbench.language.recompose import load_recomposer
    from workbench.paths import data_root

    told = load_prompt(prompt, "edit") if prompt else None
    known = RecordedCaptions.replay(captions or data_root() / benchmark / "captions.jsonl")
    loaded = data.load(benchmark, split, root, **choices(choice))
    texts, modifications = questions_of(loaded, known, caption_sample, join)
    source = load_recomposer(recomposer, server=server, prompt=told, decoding=decoding, device=device)
    path = out or data_root() / benchmark / "edits.jsonl"
    outcomes = language.fill(RecordedEdits.make(source, path, **how), samples, texts, modifications)
    language.report(outcomes, f"edits by {source.id}", path)


def questions_of(benchmark, captions, sample: int, join: str | None) -> tuple[list[str], list[str]]:
    """(captions, modifications) of a benchmark's queries, in their order. Raises CaseError and MissingRecords."""
    from workbench.case.ingredients import per_reference
    from workbench.case.wording import Wording, blank_queries, under_protocol

    def of_gallery(rows):
        return captions.texts(benchmark.gallery.images, rows, sample)

    def of_outside(pictures):
        return captions.texts(pictures, range(len(pictures)), sample)

    blank_queries(benchmark)  # more of them than the card states are a mistake in the data
    _, wording = under_protocol(benchmark, Wording(join=join))
    texts = per_reference(benchmark, benchmark.references, of_gallery, of_outside)
    return texts, [wording.modification(query) for query in benchmark.queries]
