"""What `workbench caption` and `workbench recompose` share: servers, decoding, budgets, and what became of the calls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.base import CommandError

Benchmark = Annotated[str, typer.Option(help="such as tinycir")]
Split = Annotated[str, typer.Option(help="such as val or test")]
Captioner = Annotated[
    str, typer.Option(help="coca, a transformers folder or owner/name, or a server's http://.../v1")
]
Recomposer = Annotated[
    str,
    typer.Option(help="rules, tiny-editor, a transformers folder or owner/name, or a server's http://.../v1"),
]
CaptionsOut = Annotated[
    Path | None, typer.Option(help="the records; data/BENCHMARK/captions.jsonl for greedy captions of a CoCa")
]
EditsOut = Annotated[Path | None, typer.Option(help="the records; data/BENCHMARK/edits.jsonl unless given")]
Captions = Annotated[
    Path | None, typer.Option(help="caption records; data/BENCHMARK/captions.jsonl unless given")
]
CaptionSample = Annotated[int, typer.Option(help="which of several captions per picture")]
Join = Annotated[
    str | None, typer.Option(help="rule that joins two modification texts; the benchmark's unless given")
]
ReferencesOnly = Annotated[
    bool, typer.Option("--references-only", help="only reference images: all that CIReVL and PDV need")
]
BatchSize = Annotated[int, typer.Option(help="pictures at a time, for a model that runs here")]
Model = Annotated[str | None, typer.Option(help="the model's name on the server")]
Key = Annotated[
    str | None,
    typer.Option(help="NAME of the key: an environment variable or an entry of the keys file; never the key"),
]
PromptName = Annotated[
    str | None, typer.Option("--prompt", help="a prompt by name, or a .yaml file of your own")
]
Temperature = Annotated[float, typer.Option(help="0: the most probable words; more: sampled")]
TopP = Annotated[float, typer.Option(help="sample from the most probable tokens that together reach this")]
Seed = Annotated[int, typer.Option(help="of the sampling; each picture and sample has its own draws")]
MaxTokens = Annotated[int | None, typer.Option(help="length limit of one text; the model's own unless given")]
Samples = Annotated[int, typer.Option(help="texts per input; more than one needs a temperature")]
Workers = Annotated[int | None, typer.Option(help="questions in flight at a time, to a server")]
MaxCalls = Annotated[int | None, typer.Option(help="budget of this run: calls to the server")]
BudgetTokens = Annotated[int | None, typer.Option(help="budget of this run: tokens, prompt and reply")]
Timeout = Annotated[float, typer.Option(help="seconds until a server's whole reply must be there")]


def decoding_of(temperature: float, top_p: float, seed: int, max_tokens: int | None, samples: int):
    """The decoding that the options name. Raises CommandError where more samples are asked for than it can give."""
    from workbench.language.decoding import Decoding

    decoding = Decoding(temperature, top_p, seed, max_tokens)
    if samples < 1:
        raise CommandError(f"--samples {samples}: expected 1 or more")
    if samples > 1 and decoding.greedy:
        raise CommandError(
            f"--samples {samples} would give the same text again: add --temperature, such as 0.7"
        )
    return decoding


def server_of(url: str, model: str | None, key: str | None, timeout: float):
    """The server at that address, or None where `url` is the name of something local. Raises CommandError."""
    if "://" not in url:
        if model or key:
            raise CommandError(
                f"--model and --key are for servers, and {url!r} is no URL such as http://127.0.0.1:8080/v1"
            )
        return None
    if not model:
        raise CommandError(f"--model is missing: which model of {url} is to be asked?")
    from workbench.language.server import ChatServer

    return ChatServer(url, model, key=key, timeout=timeout)


def how_of(server, workers: int | None, calls: int | None, tokens: int | None) -> dict:
    """Keywords for recorded captions and edits. Raises CommandError where they are for servers, and there is none."""
    from workbench.language.budget import Budget

    if server is None and not (workers is calls is tokens is None):
        raise CommandError("--workers, --max-calls and --budget-tokens are for servers; this model runs here")
    return {"workers": workers, "budget": Budget(calls, tokens)}


def fill(source, samples: int, *given) -> list:
    """The outcome per sample of filling recorded captions or edits; stops where a run was stopped."""
    outcomes = []
    for sample in range(samples):
        outcomes.append(source.fill(*given, sample))
        if outcomes[-1].stopped:
            break
    return outcomes


def report(outcomes: list, what: str, path) -> None:
    """Say what became of it; failures are listed on stderr, and exit code 1 says that the records are not complete."""
    answered, known, left = (sum(getattr(o, n) for o in outcomes) for n in ("answered", "known", "left"))
    failed = [record for outcome in outcomes for record in outcome.failed]
    tokens, seconds = sum(o.tokens for o in outcomes), sum(o.seconds for o in outcomes)
    typer.echo(
        f"{answered:,} {what} made, {known:,} recorded before; {tokens:,} tokens, {seconds:.1f} s; in {path}"
    )
    for record in failed:
        about = record.info.get("modification") or record.input[:12]
        typer.echo(f"failed: {about!r}, sample {record.sample}: {record.error}", err=True)
    for reason in dict.fromkeys(outcome.stopped for outcome in outcomes if outcome.stopped):
        typer.echo(f"stopped: {reason}", err=True)
    if failed or left:
        typer.echo(f"{len(failed):,} failed, {left:,} not asked: run the same command again", err=True)
        raise typer.Exit(1)
