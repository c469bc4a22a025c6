"""Notation and waits, held to an independent Mahjong library."""

from __future__ import annotations

import random

import pytest
from mahjong.agari import Agari
from mahjong.shanten import Shanten

from stratos.spec.model import MahjongTask
from stratos.tasks.mahjong import WORKED_HANDS, Mahjong
from stratos.tasks.tiles import SUITS, Hand, format_tiles, parse_hand, parse_tiles, waits

HARD = {
    "1112345678999m": "123456789m",
    "2223456777p111s": "12345678p",
    "1122334455667m": "147m",
    "1111222333444s": "234s",
    "1111222233334m": "45m",
    "19m19p19s1234567z": "19m19p19s1234567z",
    "19m19p19s1134567z": "2z",
    "9m19p19s11234567z": "1m",
    "1155m2288p33s667z": "7z",
    "112233m445566p7s": "7s",
    "112233m4455667p": "47p",
    "1111m2233p44s556z": "",
    "1111m222333p444s": "",
    "123m456p789s1111z": "",
    "147m258p369s1234z": "",
    "19m19p19s1113456z": "",
}


def oracle(hand: Hand) -> set[str]:
    counts = counted(hand)
    return {tile(kind) for kind in range(34) if counts[kind] < 4 and Agari.is_agari(one_more(counts, kind))}


def second_oracle(hand: Hand) -> set[str]:
    counts = counted(hand)
    return {
        tile(kind)
        for kind in range(34)
        if counts[kind] < 4 and Shanten.calculate_shanten(one_more(counts, kind)) == Shanten.AGARI_STATE
    }


def counted(hand: Hand) -> list[int]:
    return [
        ranks.count(str(rank)) for ranks, last in zip(hand, (9, 9, 9, 7), strict=True) for rank in range(1, last + 1)
    ]


def one_more(counts: list[int], kind: int) -> list[int]:
    return [count + (at == kind) for at, count in enumerate(counts)]


def tile(kind: int) -> str:
    return f"{kind % 9 + 1}{SUITS[kind // 9]}"


def as_set(hand: Hand) -> set[str]:
    return {rank + suit for ranks, suit in zip(hand, SUITS, strict=True) for rank in ranks}


def test_random_hands_of_the_standard_distribution_agree_with_the_library() -> None:
    task, rng = Mahjong(MahjongTask(kind="mahjong")), random.Random(11)
    for _ in range(2500):
        example = task.synthesise(rng)
        hand = parse_hand(example.prompt)
        assert as_set(parse_tiles(example.answer)) == as_set(waits(hand)) == oracle(hand), example


def test_random_one_suit_hands_agree_with_the_library() -> None:
    rng = random.Random(12)
    for _ in range(400):
        ranks = "".join(sorted(rng.sample("123456789" * 4, 13)))
        hand = ("", ranks, "", "")
        assert as_set(waits(hand)) == oracle(hand), ranks


def test_random_tiles_agree_with_the_library() -> None:
    rng = random.Random(13)
    wall = [f"{rank}{suit}" for suit, last in zip(SUITS, (9, 9, 9, 7), strict=True) for rank in range(1, last + 1)] * 4
    for tiles in (rng.sample(sorted(wall)[: 20 + 4 * (n % 20)], 13) for n in range(400)):
        hand = parse_hand("".join(tiles))
        assert as_set(waits(hand)) == oracle(hand), tiles


@pytest.mark.parametrize("text", [*HARD, *WORKED_HANDS])
def test_hard_hands_agree_with_the_library(text: str) -> None:
    hand = parse_hand(text)
    assert as_set(waits(hand)) == oracle(hand) == second_oracle(hand)


@pytest.mark.parametrize(("text", "found"), HARD.items())
def test_hard_hands_have_these_waits(text: str, found: str) -> None:
    assert format_tiles(waits(parse_hand(text))) == found


@pytest.mark.parametrize("text", ["147m", "1m4m7m", "7m,1m 4m", "7 4 1m", "\n147m\n", "4m17m"])
def test_notation_in_any_order_is_one_set_of_tiles(text: str) -> None:
    assert parse_tiles(text) == ("147", "", "", "")


@pytest.mark.parametrize("text", ["147", "m", "8z", "0m", "1m.", "1M", "the 1m", "1m4", "１m", "1m-4m"])
def test_what_is_not_notation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not tile notation"):
        parse_tiles(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [("123m", "has 3 tiles"), ("11112222333344m", "has 14 tiles"), ("11111m22223333p", "5 of 1m"), ("x", "notation")],
)
def test_what_is_no_closed_hand_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_hand(text)
