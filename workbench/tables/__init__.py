"""Results as readers see them: rounded, in percent, with what they belong to under them; text, Markdown, LaTeX, HTML.

The only place where shares become percent. Left out: computing (`evaluation`, `breakdown` and `choose` make the tidy
frames that come in).
"""

from workbench.tables.audit import audit_table
from workbench.tables.choices import ChosenOnReported
from workbench.tables.chosen import chosen_table
from workbench.tables.groups import breakdown_table, flips_table, necessity_table
from workbench.tables.main import main_table
from workbench.tables.official import official_table
from workbench.tables.published import published_table
from workbench.tables.table import Cell, Table, to_html, to_latex, to_markdown, to_text

__all__ = [
    "Cell",
    "ChosenOnReported",
    "Table",
    "audit_table",
    "breakdown_table",
    "chosen_table",
    "flips_table",
    "main_table",
    "necessity_table",
    "official_table",
    "published_table",
    "to_html",
    "to_latex",
    "to_markdown",
    "to_text",
]
