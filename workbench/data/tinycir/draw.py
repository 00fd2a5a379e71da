"""Cards -> pictures: dicebear-core lays out the drawing, resvg rasterises it.

Pixels depend on the card and the nuisance alone; the packages that draw are locked. The drawing
packages are needed to build TinyCIR, not to use it (extra ``draw``).
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from PIL import Image

from workbench.data.tinycir.world import NONE, Card

SIZE = 128
STYLE = {"critter": "critters", "plant": "sprouts", "planet": "planets", "person": "open-peeps"}
COLOUR = {
    "pink": "#f472b6",
    "orange": "#fb923c",
    "yellow": "#facc15",
    "lime": "#a3e635",
    "mint": "#5eead4",
    "blue": "#38bdf8",
    "purple": "#a78bfa",
    "white": "#f8fafc",
}
MOONLIT = "#cbd5e1"  # a planet's white: on pure white its patches could not be seen
BACKGROUND = {
    "sea": "#1e40af",
    "plum": "#6b21a8",
    "rose": "#9f1239",
    "earth": "#92400e",
    "moss": "#166534",
    "slate": "#1e293b",
    "navy": "#17234f",
    "wine": "#4a1230",
    "forest": "#0b3d2e",
    "ash": "#52525b",
    "lagoon": "#0e4a5c",
    "void": "#050508",
}
_STARS = ("star", *(f"star{i:02d}" for i in range(2, 13)))
LEAF = {"fresh": "#22c55e", "teal": "#14b8a6", "olive": "#a3a635"}
SKIN = {"light": "#ffdbb4", "tan": "#d9935f", "brown": "#9a5a30", "dark": "#5b3a2c"}
TOP = {
    "horns": "horns",
    "spike": "spike",
    "antennae": "antennae",
    "round ears": "earsRound",
    "pointed ears": "earsPointy",
    "crown": "crown",
    "leaf": "sprout",
}
EYES = {"one": "mono", "two": "round", "three": "trio", "four": "four"}
CRITTER_MOUTH = {"happy": "laugh", "sad": "frown", "surprised": "open", "fierce": "zigzag"}
BODY = {"dome": "dome", "block": "block", "squat": "squat", "bell": "bell", "wedge": "wedgeInv"}
PLANT_EYES = {"happy": "happy", "sleepy": "sleepy", "surprised": "wide", "angry": "angry"}
PLANT_MOUTH = {"happy": "grin", "sleepy": "line", "surprised": "open", "angry": "frown"}
SURFACE = {"striped": "banded", "cratered": "cratered", "patchy": "terra"}
HAIR = {
    "short": "short4",
    "long": "long",
    "afro": "afro",
    "bun": "bun",
    "mohawk": "mohawk",
    "bald": "noHair1",
    "beanie": "hatBeanie",
    "hat": "hatHip",
    "headscarf": "hijab",
    "turban": "turban",
}
EYEWEAR = {"glasses": "glasses3", "sunglasses": "sunglasses", "eyepatch": "eyepatch"}
BEARD = {"beard": "full", "moustache": "moustache3"}


@dataclass(frozen=True)
class Nuisance:
    """What no card speaks of: where the drawing sits (percent of the canvas), its tilt (degrees), a seed."""

    dx: float = 0.0
    dy: float = 0.0
    tilt: float = 0.0
    seed: int = 0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Nuisance:
        dx, dy = np.round(rng.uniform(-4, 4, 2), 2)
        return cls(float(dx), float(dy), float(np.round(rng.uniform(-6, 6), 2)), int(rng.integers(2**31)))


def _optional(component: str, table: dict[str, str], value: str) -> dict[str, object]:
    if value == NONE or value not in table:
        return {f"{component}Probability": 0}
    return {f"{component}Variant": table[value], f"{component}Probability": 100}


def _critter(card: Card) -> dict[str, object]:
    return {
        "bodyColor": COLOUR[card["colour"]],
        "accentColor": "#fde68a",
        "backgroundColor": BACKGROUND[card["background"]],
        "bodyVariant": BODY[card["body"]],
        "eyesVariant": EYES[card["eyes"]],
        "mouthVariant": CRITTER_MOUTH[card["mood"]],
        **_optional("top", TOP, card["top"]),
        "patternProbability": 0,
        "cheeksProbability": 0,
    }


def _plant(card: Card) -> dict[str, object]:
    return {
        "potColor": COLOUR[card["colour"]],
        "plantColor": LEAF[card["leaf"]],
        "bloomColor": "#fde68a",
        "backgroundColor": BACKGROUND[card["background"]],
        "plantVariant": card["species"],
        "potVariant": card["pot"],
        "eyesVariant": PLANT_EYES[card["mood"]],
        "mouthVariant": PLANT_MOUTH[card["mood"]],
        "patternProbability": 0,
        "cheeksProbability": 0,
    }


def _planet(card: Card) -> dict[str, object]:
    return {
        "planetColor": MOONLIT if card["colour"] == "white" else COLOUR[card["colour"]],
        "moonColor": "#f8fafc",
        "backgroundColor": BACKGROUND[card["sky"]],
        **{f"{star}Variant": "sparkle" for star in _STARS},
        **{f"{star}Probability": 100 if card["stars"] == "starry" else 0 for star in _STARS},
        "shadeVariant": "hard",
        **_optional("surface", SURFACE, card["surface"]),
        **_optional("ring", {"thin": "thin", "thick": "bold"}, card["ring"]),
        **_optional("moons", {"one": "one", "two": "two"}, card["moons"]),
    }


def _person(card: Card) -> dict[str, object]:
    return {
        "clothingColor": COLOUR[card["colour"]],
        "skinColor": SKIN[card["skin"]],
        "headContrastColor": "#2c1b18",
        "backgroundColor": BACKGROUND[card["background"]],
        "headVariant": HAIR[card["hair"]],
        "expressionVariant": "smile",
        **_optional("accessories", EYEWEAR, card["eyewear"]),
        **_optional("facialHair", BEARD, card["beard"]),
        "maskProbability": 0,
    }


_OPTIONS = {"critter": _critter, "plant": _plant, "planet": _planet, "person": _person}
# Each drawing fills the frame as far as its outermost part allows: (scale, shift down in percent).
_FRAME = {"critter": (1.12, 0.0), "plant": (1.16, -2.0), "planet": (1.15, 0.0), "person": (1.08, 0.0)}


@cache
def _style(kind: str):
    from dicebear import Style

    text = files("dicebear_styles").joinpath(f"{STYLE[kind]}.json").read_text("utf-8")
    return Style(json.loads(text))


def draw(card: Card, nuisance: Nuisance = Nuisance(), size: int = SIZE) -> Image.Image:
    """The RGB picture of a card, ``size`` x ``size`` pixels; the same arguments give the same pixels."""
    try:
        import resvg_py
        from dicebear import Avatar
    except ImportError as missing:
        raise ImportError(
            "drawing TinyCIR needs the extra 'draw': pip install 'zscir-workbench[draw]'"
        ) from missing
    scale, down = _FRAME[card.kind]
    options = {
        "seed": str(nuisance.seed),
        "size": size,
        "animationVariant": "none",
        "scale": scale,
        "translateX": nuisance.dx,
        "translateY": nuisance.dy + down,
        "rotate": nuisance.tilt,
        **_OPTIONS[card.kind](card),
    }
    svg = Avatar(_style(card.kind), options).to_string()
    png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGB")
