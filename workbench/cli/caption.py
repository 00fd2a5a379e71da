"""workbench caption: a benchmark's pictures captioned, every caption kept in its records."""

from __future__ import annotations

from workbench.cli import language
from workbench.cli.base import CommandError, Device, Encoder, app
from workbench.cli.score import Choice, Root, choices


@app.command()
def caption(
    benchmark: language.Benchmark = "tinycir",
    split: language.Split = "val",
    root: Root = None,
    choice: Choice = None,
    references_only: language.ReferencesOnly = False,
    captioner: language.Captioner = "coca",
    encoder: Encoder = "tiny-coca",
    model: language.Model = None,
    key: language.Key = None,
    prompt: language.PromptName = None,
    samples: language.Samples = 1,
    temperature: language.Temperature = 0.0,
    top_p: language.TopP = 1.0,
    seed: language.Seed = 0,
    max_tokens: language.MaxTokens = None,
    batch_size: language.BatchSize = 64,
    workers: language.Workers = None,
    max_calls: language.MaxCalls = None,
    budget_tokens: language.BudgetTokens = None,
    timeout: language.Timeout = 120.0,
    out: language.CaptionsOut = None,
    device: Device = None,
) -> None:
    """Caption the gallery, and references outside it; what is recorded is not made again, what failed is asked again."""
    decoding = language.decoding_of(temperature, top_p, seed, max_tokens, samples)
    server = language.server_of(captioner, model, key, timeout)
    how = language.how_of(server, workers, max_calls, budget_tokens)
    if out is None and (captioner != "coca" or not decoding.greedy):
        raise CommandError("--out is missing: a file of its own for each model and way of decoding")
    from workbench import data
    from workbench.language.cache import RecordedCaptions
    from workbench.language.captions import load_captioner
    from workbench.language.prompts import load_prompt
    from workbench.paths import data_root

    told = load_prompt(prompt, "caption") if prompt else None
    loaded = data.load(benchmark, split, root, **choices(choice))
    options = {"server": server, "prompt": told, "decoding": decoding, "device": device}
    source = load_captioner(captioner, encoder=encoder, **options)
    path = out or data_root() / benchmark / "captions.jsonl"
    captions = RecordedCaptions.make(source, path, batch_size, **how)
    wanted = pictures_of(loaded, references_only)
    outcomes = [one for some in wanted for one in language.fill(captions, samples, *some)]
    language.report(outcomes, f"captions by {source.id}", path)


def pictures_of(loaded, references_only: bool) -> list[tuple]:
    """(pictures, rows) to caption: the gallery, or its references alone; then the references outside the gallery."""
    rows = range(len(loaded.gallery))
    if references_only:
        inside = (query.reference for query in loaded.queries if query.reference is not None)
        rows = list(dict.fromkeys(inside))
    outside = loaded.references or ()
    return [(loaded.gallery.images, rows), (outside, range(len(outside)))]
