"""Names of query parts and gallery views that come in numbers or from several sources.

caption, caption_2, caption_3 ...            several captions per picture
pseudo_word:searle, pseudo_word:lincir ...   the same part by different makers
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Name(NamedTuple):
    """A name taken apart: what it is, which of several (from 1), and by whom ("" where there is but one maker)."""

    base: str
    number: int = 1
    source: str = ""


def numbered(name: str, count: int) -> tuple[str, ...]:
    """The names of `count` things of one kind.

    >>> numbered("caption", 3)
    ('caption', 'caption_2', 'caption_3')
    """
    return (name, *(f"{name}_{k}" for k in range(2, count + 1)))


def take_apart(name: str) -> Name:
    """The opposite of `numbered` and of "base:source".

    >>> take_apart("caption_3")
    Name(base='caption', number=3, source='')
    >>> take_apart("pseudo_word:searle")
    Name(base='pseudo_word', number=1, source='searle')
    """
    base, _, source = name.partition(":")
    several = re.fullmatch(r"(.+)_([2-9]|[1-9]\d+)", base)
    return Name(several[1], int(several[2]), source) if several else Name(base, 1, source)
