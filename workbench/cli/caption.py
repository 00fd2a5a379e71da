"""workbench caption: a benchmark's gallery captioned, every caption kept in its records."""

from __future__ import annotations

from workbench.cli import language
from workbench.cli.base import CommandError, Device, Encoder, app


@app.command()
def caption(
    benchmark: language.Benchmark = "tinycir",
    split: language.Split = "val",
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
    """Caption every gallery picture; what is recorded already is not made again, what failed is asked again."""
    decoding = language.decoding_of(temperature, top_p, seed, max_tokens, samples)
    server = language.server_of(captioner, model, key, timeout)
    how = language.how_of(server, workers, max_calls, budget_tokens)
    if out is None and (captioner != "coca" or not decoding.greedy):
        raise CommandError("--out is missing: a file of its own for each model and way of decoding")
    from workbench import data
    from workbench.language.cache import RecordedCaptions
    from workbench.language.captions import load_captioner
    from workbench.language.prompts import load_prompt
    from workbench.paths import benchmark_root

    told = load_prompt(prompt, "caption") if prompt else None
    pictures = data.load(benchmark, split).gallery.images
    options = {"server": server, "prompt": told, "decoding": decoding, "device": device}
    source = load_captioner(captioner, encoder=encoder, **options)
    path = out or benchmark_root(benchmark) / "captions.jsonl"
    captions = RecordedCaptions.make(source, path, batch_size, **how)
    outcomes = language.fill(captions, samples, pictures, range(len(pictures)))
    language.report(outcomes, f"captions by {source.id}", path)
