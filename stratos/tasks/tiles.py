"""Mahjong tiles: their notation, and the exact waits of a closed hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

SUITS = "mpsz"

Hand = tuple[str, str, str, str]
"""The ranks in m, p, s and z, each a string of digits in rising order."""

_NOTATION = re.compile(r"(?:[1-9]+[mps]|[1-7]+z)*")
_GROUP = re.compile(r"([1-9]+)([mpsz])")
_SEPARATORS = re.compile(r"[\s,]+")
_ORPHANS: Hand = ("19", "19", "19", "1234567")


def parse_tiles(text: str) -> Hand:
    """Any tiles in any order, such as 147m, 1m4m7m or "5z, 1m". Raises ValueError."""
    packed = _SEPARATORS.sub("", text)
    if not _NOTATION.fullmatch(packed):
        raise ValueError(f"{text[:60]!r} is not tile notation such as 123m456p789s1122z")
    ranks = dict.fromkeys(SUITS, "")
    for digits, suit in _GROUP.findall(packed):
        ranks[suit] += digits
    m, p, s, z = ("".join(sorted(digits)) for digits in ranks.values())
    return m, p, s, z


def parse_hand(text: str) -> Hand:
    """A closed hand of 13 tiles. Raises ValueError for another number of tiles and for a fifth copy of one."""
    hand = parse_tiles(text)
    size = sum(map(len, hand))
    if size != 13:
        raise ValueError(f"{text[:60]!r} has {size} tiles; a closed hand has 13")
    for ranks, suit in zip(hand, SUITS, strict=True):
        for rank in set(ranks):
            if ranks.count(rank) > 4:
                raise ValueError(f"{text[:60]!r} has {ranks.count(rank)} of {rank}{suit}; there are 4")
    return hand


def format_tiles(hand: Hand) -> str:
    """The tiles in notation, suits in the order m, p, s, z."""
    return "".join(ranks + suit for ranks, suit in zip(hand, SUITS, strict=True) if ranks)


def waits(hand: Hand) -> Hand:
    """Every tile that completes a hand of 13: as sets and a pair, as seven pairs, or as thirteen orphans.

    A fifth copy of a tile is no wait. A finished hand holds 14 tiles, and its pair is the only group whose size is
    not a multiple of three. So either one suit holds 3n + 1 tiles and waits for its own pair and sets, or two suits
    hold 3n + 2, where each may wait for a set if the other has its pair; all other suits are finished.
    """
    suits = [_suit(ranks, i < 3) for i, ranks in enumerate(hand)]
    found = ["", "", "", ""]
    open_suits = [i for i in range(4) if not suits[i].closed]
    if len(open_suits) == 1:
        found[open_suits[0]] = suits[open_suits[0]].waits
    elif len(open_suits) == 2:
        a, b = open_suits
        found[a] = suits[a].waits if suits[b].paired else ""
        found[b] = suits[b].waits if suits[a].paired else ""
    if sum(suit.pairs for suit in suits) == 6:
        found = [_union(known, suit.singles) for known, suit in zip(found, suits, strict=True)]
    elif len(hand[3]) >= 6:
        found = [_union(known, orphans) for known, orphans in zip(found, _orphan_waits(hand), strict=True)]
    m, p, s, z = found
    return m, p, s, z


class _Suit(NamedTuple):
    """What one suit contributes to any hand that holds it."""

    closed: bool  # sets and nothing else
    paired: bool  # sets and one pair
    waits: str  # ranks that make sets and a pair of 3n + 1 tiles, or sets of 3n + 2 tiles
    pairs: int  # ranks that are held exactly twice
    singles: str  # ranks that are held once


@lru_cache(maxsize=1 << 17)
def _suit(ranks: str, runs: bool) -> _Suit:
    rest = len(ranks) % 3
    completes: Callable[[str, bool], bool] = (_never, _sets_and_pair, _sets)[rest]
    return _Suit(
        closed=rest == 0 and _sets(ranks, runs),
        paired=rest == 2 and _sets_and_pair(ranks, runs),
        waits="".join(
            rank
            for rank in ("123456789" if runs else "1234567")
            if ranks.count(rank) < 4 and completes("".join(sorted(ranks + rank)), runs)
        ),
        pairs=sum(ranks.count(rank) == 2 for rank in set(ranks)),
        singles="".join(rank for rank in ranks if ranks.count(rank) == 1),
    )


def _never(_ranks: str, _runs: bool) -> bool:
    return False


def _sets_and_pair(ranks: str, runs: bool) -> bool:
    return any(ranks.count(rank) >= 2 and _sets(ranks.replace(rank, "", 2), runs) for rank in set(ranks))


@lru_cache(maxsize=1 << 17)
def _sets(ranks: str, runs: bool) -> bool:
    """Whether the ranks, in rising order, part into triplets and, where allowed, runs."""
    if not ranks:
        return True
    first = ranks[0]
    if ranks.startswith(first * 3) and _sets(ranks[3:], runs):
        return True
    second, third = chr(ord(first) + 1), chr(ord(first) + 2)
    if not runs or second not in ranks or third not in ranks:
        return False
    return _sets(ranks[1:].replace(second, "", 1).replace(third, "", 1), runs)


def _orphan_waits(hand: Hand) -> Hand:
    """Waits of thirteen orphans: the one that is missing, or any of them where all 13 are there."""
    none: Hand = ("", "", "", "")
    if any(set(ranks) - set(orphans) for ranks, orphans in zip(hand, _ORPHANS, strict=True)):
        return none
    missing = ["".join(sorted(set(orphans) - set(ranks))) for ranks, orphans in zip(hand, _ORPHANS, strict=True)]
    count = sum(map(len, missing))
    if count > 1:
        return none
    m, p, s, z = missing if count else _ORPHANS
    return m, p, s, z


def _union(some: str, more: str) -> str:
    return "".join(sorted({*some, *more})) if more else some
