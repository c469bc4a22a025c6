"""The Mahjong task: a closed hand of 13 tiles and every tile that completes it."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from operator import eq

from stratos.errors import StratosError
from stratos.spec.model import MahjongTask
from stratos.tasks.base import Example, HeldOut, Spelling
from stratos.tasks.tiles import SUITS, Hand, format_tiles, parse_hand, parse_tiles, waits

ONE_SUIT = "one-suit"
MIXED = "mixed"

WORKED_HANDS = (
    "123m456p789s1122z",
    "234m567p34s666s55z",
    "1112345678999m",
    "1155m2288p33s667z",
    "19m19p19s1234567z",
)

_RULES = """\
Mahjong tiles: 1-9m, 1-9p, 1-9s and honours 1-7z, four of each. A hand of 13 tiles is completed by a 14th tile into \
four sets and a pair. A set is three equal tiles, or three consecutive ranks of one suit (m, p or s; never z). Seven \
different pairs also complete a hand, and so do thirteen orphans (1 and 9 of m, p, s and all of 1-7z, one of them \
twice). A fifth copy of a tile does not exist.
Write every tile that completes the hand, in the same notation, and nothing else.
"""

# A digit's suit stands after the last digit of its suit: mark the digits before with it, and a tile is one token.
_SPELLING = Spelling(
    unit=r"[1-9][mpsz\x01-\x04]",
    marks=tuple((rf"(?<=[1-9])(?=[1-9]+{suit})", chr(1 + index)) for index, suit in enumerate(SUITS)),
)

_KINDS = 34
_RUNS = tuple((9 * suit + rank, 9 * suit + rank + 1, 9 * suit + rank + 2) for suit in range(3) for rank in range(7))
_ORPHANS = (0, 8, 9, 17, 18, 26, 27, 28, 29, 30, 31, 32, 33)
_RANK = tuple(str(kind % 9 + 1) for kind in range(_KINDS))


class Mahjong:
    """Waits of closed hands. A prompt is a hand such as 123m456p789s1122z; its answer, 12z."""

    name = "mahjong"
    can_synthesise = True
    spelling = _SPELLING

    def __init__(self, spec: MahjongTask) -> None:
        self._spec = spec

    def held_out(self) -> HeldOut:
        """Hands of the standard distribution, all different, drawn from the spec's seed."""
        rng = random.Random(f"mahjong held out {self._spec.seed}")
        validation, gate = self._spec.validation_examples, self._spec.gate_examples
        examples: dict[str, Example] = {}
        while len(examples) < validation + gate:
            example = self.synthesise(rng)
            examples.setdefault(example.prompt, example)
        drawn = tuple(examples.values())
        return HeldOut(validation=drawn[:validation], gate=drawn[validation:])

    def training(self) -> Sequence[Example]:
        return ()

    def synthesise(self, rng: random.Random) -> Example:
        """A hand of the standard distribution: a finished hand with one of its 14 tiles taken away uniformly."""
        tiles = draw_finished(rng)
        taken = tiles.pop(int(rng.random() * 14))
        hand = _hand(tiles)
        found = waits(hand)
        if _RANK[taken] not in found[taken // 9]:
            raise StratosError(f"{format_tiles(hand)} was finished by {_RANK[taken]}{SUITS[taken // 9]}, no wait of it")
        return Example(format_tiles(hand), format_tiles(found), slice_of(hand))

    def verify(self, example: Example, completion: str) -> bool:
        """Whether the completion names all waits of the hand and no other tile.

        The answer is what follows the last ">", or all of it: tiles in any order, with nothing but spaces and commas
        between them. A hand without waits is answered by nothing.
        """
        try:
            expected = waits(parse_hand(example.prompt))
            given = parse_tiles(completion.rpartition(">")[2])
        except ValueError:
            return False
        return all(set(a) == set(b) for a, b in zip(expected, given, strict=True))

    def teacher_prompt(self, prompt: str) -> str:
        """Rules and worked examples, the same before every hand, so that a model can read them once."""
        return f"{_SHARED_PROMPT}{prompt} >"

    def canonical(self, prompt: str) -> str:
        """The hand with its three suits in a fixed order: their names are interchangeable, as are then the answers.

        Ranks and honours stay: with them interchangeable too, the few hands of thirteen orphans that are held out
        would be near duplicates of all others, and none could be learnt.
        """
        try:
            m, p, s, z = parse_tiles(prompt)
        except ValueError:
            return prompt
        return ",".join((*sorted((m, p, s)), z))


def draw_finished(rng: random.Random) -> list[int]:
    """14 tiles of a finished hand, sorted, as kinds 0..33 (9 each of m, p, s, then 7 honours).

    The standard distribution: 5 % seven pairs, 1 % thirteen orphans, otherwise four sets and a pair. A set is a
    triplet with probability 1/4 and otherwise a run; triplets and pairs are uniform over the 34 kinds, runs over the
    three suits and seven starting ranks. Hands with five of a tile are drawn again.
    """
    draw = rng.random()
    if draw < 0.05:
        return sorted(rng.sample(range(_KINDS), 7) * 2)
    if draw < 0.06:
        return sorted((*_ORPHANS, _ORPHANS[int(rng.random() * 13)]))
    while True:
        tiles = [int(rng.random() * _KINDS)] * 2
        for _ in range(4):
            if rng.random() < 0.25:
                tiles += [int(rng.random() * _KINDS)] * 3
            else:
                tiles += _RUNS[int(rng.random() * 21)]
        tiles.sort()
        if not any(map(eq, tiles, tiles[4:])):
            return tiles


def slice_of(hand: Hand) -> str:
    """one-suit where all 13 tiles are of m, of p or of s; mixed otherwise."""
    return ONE_SUIT if max(map(len, hand[:3])) == 13 else MIXED


def _hand(tiles: list[int]) -> Hand:
    ranks = "".join([_RANK[tile] for tile in tiles])
    p, s, z = bisect_left(tiles, 9), bisect_left(tiles, 18), bisect_left(tiles, 27)
    return ranks[:p], ranks[p:s], ranks[s:z], ranks[z:]


def _worked(hand: str) -> str:
    return f"{hand} > {format_tiles(waits(parse_hand(hand)))}\n"


_SHARED_PROMPT = _RULES + "".join(_worked(hand) for hand in WORKED_HANDS)
