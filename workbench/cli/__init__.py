"""The command line: one file per group of verbs, each verb a few lines over what notebooks use too.

    workbench encode      a folder's or a benchmark's embeddings into the store
    workbench caption     a benchmark's pictures captioned, every caption kept in its records
    workbench recompose   the captions of a split's reference images edited, every edit kept in its records
    workbench captions    the texts that models wrote: show, diff, export, import
    workbench retrieve    one reference image + one text -> a sheet of ranked pictures
    workbench evaluate    methods on a benchmark -> a results table with intervals and paired tests
    workbench diagnose    two arrays of embeddings -> every measure of the modality gap, with figures
    workbench check       is a benchmark's folder whole, and what is missing
    workbench score       anyone's ranking file -> a benchmark's official metrics
    workbench audit       right answers that nobody labelled: a sheet to mark, metrics with and without
    workbench import-embeddings   a model's own features -> an encoder's name, "imported:NAME"
    workbench submit      a method or a ranking file -> the files that the test servers of CIRR and CIRCO take
    workbench runs        what was evaluated: list, show, diff, table, rerun, export
    workbench batch       a sweep file -> one executed notebook per setting, and a summary

To add a verb: one function under ``@app.command()`` in a file here, and its module's name below.
"""

# ruff: noqa: F401  (each module registers its verbs)
from workbench.cli import (
    audit,
    batch,
    caption,
    captions,
    check,
    diagnose,
    encode,
    evaluate,
    import_embeddings,
    recompose,
    retrieve,
    runs,
    score,
    submit,
)
from workbench.cli.base import app

__all__ = ["app"]
