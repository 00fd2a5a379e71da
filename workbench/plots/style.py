"""How every figure looks: one colour and one marker per method and modality, and SVG that is the same on every run.

Colours are from the palettes of Okabe & Ito ("Color Universal Design", 2008) and of Paul Tol (technical note
SRON/EPS/TN/09-002, 2021), chosen so that they stay apart for the usual forms of colour blindness; markers differ
as well, so that no figure depends on colour alone. Left out: pyplot, whose global state notebooks share.
"""

from __future__ import annotations

import functools
import io
import re
import zlib
from collections.abc import Callable

import matplotlib
from matplotlib.figure import Figure

MODALITY_COLOURS = {"image": "#0072B2", "text": "#D55E00", "caption": "#E69F00"}
TARGET = "#009E73"  # the frame of a right answer
GREY = "#666666"
ROLE_COLOURS = {"targets": TARGET, "subset": GREY}

METHOD_COLOURS = {
    "image_only": MODALITY_COLOURS["image"],  # a baseline of one modality wears that modality's colour
    "text_only": MODALITY_COLOURS["text"],
    "weighted_sum": "#009E73",
    "slerp": "#CC79A7",
    "product": "#56B4E9",
    "cirevl": "#E69F00",
    "pdv_t": "#882255",
    "pdv_i": "#999933",
    "pdv_f": "#000000",
    "weimocir": "#332288",
}
METHOD_MARKERS = dict(zip(METHOD_COLOURS, "o^sDPv<>XH", strict=True))
_SPARE_COLOURS = ("#117733", "#AA4499", "#44AA99", "#661100", "#6699CC", "#DDCC77")
_SPARE_MARKERS = "pd*hp8"

STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same glyphs everywhere
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "figure.facecolor": "white",  # readable on a dark page too
    "image.composite_image": False,  # every picture keeps its own pixels
    "svg.fonttype": "path",
    "svg.hashsalt": "workbench",  # ids in the file follow from its content alone
}

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def base_name(method: str) -> str:
    """The registered name at the start of a label.

    >>> base_name("weighted_sum(alpha=0.5)")
    'weighted_sum'
    """
    return method.partition("(")[0].strip()


def colour_of(method: str) -> str:
    """The method's (or modality's, or role's) colour; a name not listed here gets a spare one, always the same."""
    name = base_name(method)
    known = {**MODALITY_COLOURS, **ROLE_COLOURS, **METHOD_COLOURS}
    return known.get(name, _SPARE_COLOURS[_stable(name) % len(_SPARE_COLOURS)])


def marker_of(method: str) -> str:
    """The method's marker; a name not listed here gets a spare one, always the same."""
    name = base_name(method)
    return METHOD_MARKERS.get(name, _SPARE_MARKERS[_stable(name) % len(_SPARE_MARKERS)])


def label_of(name: str) -> str:
    """A code name as readers see it.

    >>> label_of("image_only"), label_of("pdv_f"), label_of("weimocir_paper(alpha=0.7)")
    ('image only', 'PDV-F', 'WeiMoCIR (paper, alpha=0.7)')
    """
    fixed = {"slerp": "SLERP", "cirevl": "CIReVL", "weimocir": "WeiMoCIR"}
    fixed |= {"weimocir_paper": "WeiMoCIR (paper)", "ldre": "LDRE", "seize": "SEIZE", "basic": "BASIC"}
    fixed |= {"sinkhorn": "Sinkhorn", "invgc": "InvGC", "invgc_local": "InvGC (local)"}
    fixed |= {"searle": "SEARLE", "lincir": "LinCIR", "pic2word": "Pic2Word", "osrcir": "OSrCIR"}
    fixed |= {
        "searle_oti": "SEARLE-OTI",
        "imagescope": "ImageScope",
        "imagescope_stage1": "ImageScope (stage 1)",
    }
    fixed |= {name: name.upper() for name in ("csls", "nnn", "dis", "nicdm")}
    fixed |= {f"pdv_{letter}": f"PDV-{letter.upper()}" for letter in "tif"}
    base = base_name(name)
    read, more = fixed.get(base, base.replace("_", " ")), name.partition(base)[2]
    if read.endswith(")") and more.startswith("("):
        return f"{read[:-1]}, {more[1:]}"  # one pair of brackets
    return read + more


def percent(share: float, decimals: int = 0) -> str:
    """A share as readers see it, in figures as in prose.

    >>> percent(0.2346), percent(0.2346, 1)
    ('23 %', '23.5 %')
    """
    return f"{100 * share:.{decimals}f} %"


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorator: draw in the project's style, and leave the caller's settings as they were."""

    @functools.wraps(draw)
    def wrapper(*args, **kwargs) -> Figure:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def headline(figure: Figure, title: str) -> None:
    """The title, which states the finding, at the figure's left edge."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")


def svg(figure: Figure) -> str:
    """The figure as SVG: the same bytes for the same figure, with no date in it."""
    with matplotlib.rc_context(STYLE):
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def same_drawing(one: str, other: str, tolerance: float = 0.5) -> bool:
    """Whether two SVG texts differ in nothing but numbers, and in those by less than `tolerance` points.

    >>> same_drawing('<path d="M 1.02 3"/>', '<path d="M 1.01 3"/>'), same_drawing("<g 1>", "<g 4>")
    (True, False)
    """
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(a == b or abs(float(a) - float(b)) < tolerance for a, b in pairs)


def _stable(name: str) -> int:
    return zlib.crc32(name.encode())  # `hash` changes from process to process
