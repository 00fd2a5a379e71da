"""How people might ask for a change: wordings beside the benchmark's own, and words from outside its world.

A wording has slots: {new} and {old} are values ("mint", "crown"), {new_np} and {old_np} noun phrases
("a crown", "no ring"), {thing}, {they} and {coloured} stand for the picture or what carries its colour.
"""

from __future__ import annotations

import re
from functools import cache

from workbench.data.tinycir.words import TEMPLATES, Change, bare, noun_phrase
from workbench.data.tinycir.world import KINDS

THING = {"critter": "it", "plant": "it", "planet": "it", "person": "them"}
THEY = {**THING, "person": "they"}
COLOURED = {
    "critter": ("it", "the critter"),
    "plant": ("the pot", "it"),
    "planet": ("it", "the planet"),
    "person": ("the shirt", "it"),
}
GENERIC = {"ring": "ring", "moons": "moons"}  # "lose the moons", whatever their number

WORDINGS = {
    "recolour": (
        "{new}",
        "in {new}",
        "a {new} one",
        "make {coloured} {new}",
        "{coloured} should be {new}",
        "i want {coloured} in {new}",
        "can you make {coloured} {new}",
        "change {coloured} to {new}",
        "change {coloured} from {old} to {new}",
        "turn {coloured} from {old} to {new}",
        "from {old} to {new}",
        "{new}, not {old}",
        "not {old} but {new}",
        "no longer {old} but {new}",
        "colour {coloured} {new}",
        "let {coloured} be {new}",
        "the {new} version",
        "replace {old} with {new}",
        "swap {old} for {new}",
        "instead of {old}, {new}",
        "have {coloured} in {new} instead",
        "use {new} for the colour",
        "give {thing} the colour {new}",
    ),
    "swap": (
        "{new_np}",
        "with {new_np}",
        "add {new_np}",
        "give {thing} {new_np}",
        "now with {new_np}",
        "the same, but with {new_np}",
        "{new_np}, not {old_np}",
        "not {old_np} but {new_np}",
        "no {old}, {new_np} instead",
        "lose the {old} and add {new_np}",
        "take away the {old} and give {thing} {new_np}",
        "exchange the {old} for {new_np}",
        "turn the {old} into {new_np}",
        "{they} should have {new_np}",
        "{they} should have {new_np} instead",
        "instead of {old_np}, {new_np}",
        "instead of the {old}, give {thing} {new_np}",
        "put {new_np} in place of the {old}",
        "{new_np} in place of {old_np}",
        "i want {new_np} here",
        "from {old_np} to {new_np}",
        "use {new_np}, not the {old}",
        "drop the {old}, put {new_np} there",
    ),
    "add": (
        "{new_np}",
        "with {new_np}",
        "{new_np} please",
        "{they} should have {new_np}",
        "{they} should get {new_np}",
        "i want {new_np} on {thing}",
        "there should be {new_np}",
        "let {thing} have {new_np}",
        "show {thing} with {new_np}",
        "can you add {new_np}",
        "with {new_np} this time",
        "{new_np} instead of {old_np}",
        "not {old_np} but {new_np}",
    ),
    "remove": (
        "no {old}",
        "no more {old}",
        "without any {old}",
        "get rid of the {old}",
        "take off the {old}",
        "leave out the {old}",
        "minus the {old}",
        "i do not want the {old}",
        "the {old} should go",
        "there should be no {old}",
        "no longer with the {old}",
        "do not show the {old}",
        "same thing without the {old}",
        "{they} should not have {old_np}",
        "with {new_np}",
        "now with {new_np}",
        "make that {new_np}",
        "{new_np} instead of {old_np}",
        "can you remove the {old}",
    ),
    "expression": (
        "{new}",
        "a {new} one",
        "look {new}",
        "with a {new} face",
        "{new}, not {old}",
        "not {old} but {new}",
        "no longer {old} but {new}",
        "{they} should be {new}",
        "change the mood to {new}",
        "give {thing} a {new} look",
        "from {old} to {new}",
        "make {thing} look {new}",
        "turn {thing} {new}",
        "let {thing} be {new}",
        "i want {thing} {new}",
        "{new} instead of {old}",
        "{new} rather than {old}",
        "make {thing} {new} instead of {old}",
        "stop looking {old}, look {new}",
        "can you make {thing} {new}",
    ),
    "count": (
        "{new_np}",
        "with {new_np}",
        "only {new_np}",
        "{new_np}, not {old_np}",
        "not {old_np} but {new_np}",
        "no longer {old_np} but {new_np}",
        "{they} should have {new_np}",
        "there should be {new_np}",
        "change the {old} to {new_np}",
        "swap the {old} for {new_np}",
        "replace the {old} with {new_np}",
        "turn the {old} into {new_np}",
        "from {old_np} to {new_np}",
        "show {thing} with {new_np}",
        "instead of {old_np}, {new_np}",
    ),
}

# Never trained on: what the editor makes of them tells how far it goes beyond its lessons.
UNSEEN = {
    "recolour": (
        "i would like {coloured} to be {new}",
        "{new} for the colour",
        "let us have a {new} one instead of a {old} one",
        "can you show it in {new}",
    ),
    "swap": (
        "the {old} should be {new_np}",
        "let them have {new_np} and not {old_np}",
        "get rid of the {old} and put {new_np} on {thing}",
        "show {new_np} where the {old} is",
    ),
    "add": ("now let {thing} have {new_np} too", "can you give {thing} {new_np}", "let {thing} get {new_np}"),
    "remove": ("i want {thing} without the {old}", "can you take the {old} off", "the {old} is not there"),
    "expression": ("show a {new} face", "have {thing} looking {new}", "have {thing} {new} and not {old} this time"),
    "count": ("i want to see {new_np}", "the same one with {new_np} please", "have {new_np} there"),
}  # fmt: skip

FRAMES = (
    "please {}",
    "{} please",
    "{}.",
    "{}!",
    "just {}",
    "now {}",
    "{}, everything else the same",
    "{} and keep the rest as it is",
    "the same picture, but {}",
    "same as before, but {}",
    "i want the same one, but {}",
    "keep the rest, {}",
)
KEEP = (
    "keep {kept}, {change}",
    "keep {kept} but {change}",
    "{change} but keep {kept}",
    "{change}, still with {kept}",
)
KEEP_ALL = (
    "no change",
    "keep it as it is",
    "exactly the same",
    "the same again",
    "change nothing",
    "leave it like this",
)
JOINS = (", ", ", and ", " and also ", ", then ", "; ", ". ", " and then ", " but also ", ", also ")


def fill(wording: str, kind: str, change: Change, old: str | None = None, coloured: str = "") -> str:
    """A wording with its slots filled; ``old`` stands in for the bare old value where given."""
    by_value = change.attribute in ("colour", "mood")
    text = wording.format(
        new=change.new,
        old=old or (change.old if by_value else bare(change.attribute, change.old)),
        new_np=change.new if by_value else noun_phrase(change.attribute, change.new),
        old_np=change.old if by_value else noun_phrase(change.attribute, change.old),
        thing=THING[kind],
        they=THEY[kind],
        coloured=coloured or COLOURED[kind][0],
    )
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def words_of(texts) -> set[str]:
    """The words of texts, without slots and punctuation."""
    return {w for text in texts for w in re.findall(r"[a-z]+", re.sub(r"\{\w*\}", " ", text))}


@cache
def world_words() -> frozenset[str]:
    """Every word that names something of the TinyCIR world."""
    texts = []
    for kind in KINDS.values():
        texts += [kind.name, "a plant in a pot", "a person in a shirt", "looking", "with"]
        for attribute in kind.attributes:
            texts += [attribute.name, *attribute.values]
            if attribute.spoken and attribute.name not in ("colour", "mood"):
                texts += [noun_phrase(attribute.name, value) for value in attribute.values]
    return frozenset(words_of(texts))


def vocabulary() -> list[str]:
    """Every word that is one token: of the world, of all wordings, and everyday ones; sorted."""
    asked = [t for table in (TEMPLATES, WORDINGS, UNSEEN) for texts in table.values() for t in texts]
    asked += [*FRAMES, *KEEP, *KEEP_ALL, *JOINS, *THING.values(), *THEY.values(), "caption change"]
    return sorted(world_words() | words_of(asked) | set(EVERYDAY.split()) | set(OUTSIDE))


EVERYDAY = """
i you he she they we us this that these those there here my your his her their its our one ones is are was be been
have has had do does did never also too very really more less many much few bit a an the some any each both either
every all other another different new old same again back instead rather than then so just only still yet always
picture image photo drawing style version find want wants would could should can will may like need needs needed get
got go goes keep kept show shows showing see seen look looks make makes made put puts take takes give gives let lets
turn turns change changes changed swap swaps add adds remove removes removed delete lose loses drop drops wear wears
wearing worn hold holding carry paint painted dye dyed switch exchange trade replace replaces include exclude with
without within from into onto over under on in at by for of to up down left right next behind beside between front
side top bottom middle off out and or but if not no nor none nothing something anything everything thing things
face faces smile smiling frown frowning grin grinning cry crying laugh laughing mouth nose ear ears eye eyed head
headed hair haired beard bearded shaved horned hats plants pots persons people planets critters rings ringed moon
stripes stripe craters crater spots spot leaf leaves flowers tulips horn crowns spikes spiky ear pale darker lighter
brighter bright light deep size shape colour coloured color colored mood expression first second third last half
number count zero fewer already
"""

# These stand in for words of the world in a part of the training pairs, so that copying does not hang on known words.
OUTSIDE_WORDS = """
red green black grey gray gold golden silver violet cyan magenta beige crimson scarlet maroon turquoise
indigo ivory amber bronze copper huge tiny big small little large tall wide narrow square flat heavy
shiny wooden metal plastic stone paper glass old young modern ancient dusty wet dry clean dirty broken full
bored tired calm proud shy curious worried excited serious silly gentle brave lonely amused annoyed upset eager
five six seven eight nine ten eleven twelve
cat dog horse bird fish bear lion tiger rabbit mouse fox wolf owl elephant insect alien animal robot dragon monster
ghost creature man woman boy girl child baby lady guy doctor teacher chef king queen artist actor uncle aunt
car bus train bike boat plane truck house tower bridge church castle door window table chair sofa lamp bed desk shelf
cup plate fork knife spoon bottle box bag basket umbrella envelope apple orchid onion egg olives tree daisy
fern oak ivy iris lily aloe vine mushroom lemon banana carrot cake bread pizza
jacket coat dress skirt trousers jeans sweater scarf tie gloves boots shoes socks apron helmet mask veil wig cap hood
ponytail braid curls fringe necklace earring bracelet watch ribbon button pocket sleeve collar stripes dots checks
tail wings fins claws fur feathers scales tusks whiskers hooves shell beak antlers
star comet cloud mountain river lake ocean island desert field garden road street sun rain snow fire
wall floor roof grassland beach sand rock hill valley ball kite drum guitar piano book pen phone computer clock
"""
OUTSIDE = tuple(sorted(set(OUTSIDE_WORDS.split())))
