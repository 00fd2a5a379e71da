"""What every verb of the command line shares: the app, its options, and how a user's mistake is told.

A mistake of the user's (``UserError``) is one line on stderr and exit code 2; anything else is a bug and keeps its
traceback. Verbs import what they need when they run: `--help` should not wait for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from workbench.errors import UserError
from workbench.provenance import without_secrets

if TYPE_CHECKING:
    import pandas as pd


class CommandError(UserError, ValueError):
    """The command cannot be carried out as it was given."""


class _OneLineErrors(TyperGroup):
    """Runs a command; a user's error becomes one line and exit code 2."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except Exception as error:
            if not isinstance(error, UserError):
                raise
            typer.echo(f"workbench: {without_secrets(' '.join(str(error).split()))}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=_OneLineErrors, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)

Encoder = Annotated[
    str, typer.Option(help="tiny-coca, MODEL:TAG, MODEL:/weights.safetensors or local-dir:/folder")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda ...; the GPU where there is one")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead")]


@app.callback()
def workbench() -> None:
    """Zero-shot composed image retrieval: a reference image plus a modification text -> ranked pictures."""


def records(frame: pd.DataFrame) -> list[dict]:
    """Rows for JSON at full precision, which pandas' own writer cuts to ten digits; NaN becomes None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")
