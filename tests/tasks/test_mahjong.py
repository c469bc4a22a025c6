"""The Mahjong task: its distribution, verifier, prompt and held-out hands."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from stratos.spec.model import MahjongTask
from stratos.tasks import Example, load_task
from stratos.tasks.mahjong import MIXED, ONE_SUIT, Mahjong, draw_finished
from stratos.tasks.tiles import format_tiles, parse_hand, waits

TASK = Mahjong(MahjongTask(kind="mahjong"))
HAND = Example("123m456p789s1122z", "12z", MIXED)


def reference_hand(rng: random.Random) -> list[int]:
    """The standard distribution written down a second time, slowly, as hands with five of a tile rejected."""
    form = rng.choices(["sets", "pairs", "orphans"], [94, 5, 1])[0]
    if form == "pairs":
        return sorted(2 * rng.sample(range(34), 7))
    orphans = [kind for kind in range(34) if kind >= 27 or kind % 9 in (0, 8)]
    if form == "orphans":
        return sorted([*orphans, rng.choice(orphans)])
    hand: list[int] = []
    for _ in range(4):
        if rng.randrange(4) == 0:
            hand += [rng.randrange(34)] * 3
        else:
            start = 9 * rng.randrange(3) + rng.randrange(7)
            hand += [start, start + 1, start + 2]
    hand += [rng.randrange(34)] * 2
    return sorted(hand) if max(Counter(hand).values()) < 5 else reference_hand_of_sets(rng)


def reference_hand_of_sets(rng: random.Random) -> list[int]:
    while True:
        hand = reference_hand(rng)
        if not is_seven_pairs(hand) and not is_orphans(hand):
            return hand


def is_seven_pairs(hand: list[int]) -> bool:
    return set(Counter(hand).values()) == {2}


def is_orphans(hand: list[int]) -> bool:
    return len(set(hand)) == 13 and all(kind >= 27 or kind % 9 in (0, 8) for kind in hand)


def features(hand: list[int]) -> dict[str, object]:
    counts = Counter(hand)
    return {
        "kind": Counter(hand),
        "honour triplets": sum(counts[kind] >= 3 for kind in range(27, 34)),
        "triplets or more": sum(count >= 3 for count in counts.values()),
        "suits": len({kind // 9 for kind in hand}),
        "form": "pairs" if is_seven_pairs(hand) else "orphans" if is_orphans(hand) else "sets",
    }


def tally(hands: list[list[int]]) -> dict[str, Counter[object]]:
    tallies: dict[str, Counter[object]] = {}
    for hand in hands:
        for name, value in features(hand).items():
            tallies.setdefault(name, Counter()).update(value if isinstance(value, Counter) else [value])
    return tallies


def test_the_standard_distribution_is_what_it_says() -> None:
    drawn, reference = random.Random(21), random.Random(22)
    ours = tally([draw_finished(drawn) for _ in range(20_000)])
    theirs = tally([reference_hand(reference) for _ in range(20_000)])
    assert ours["form"]["pairs"] / 20_000 == pytest.approx(0.05, abs=0.006)
    assert ours["form"]["orphans"] / 20_000 == pytest.approx(0.01, abs=0.003)
    for name, counts in ours.items():
        both = {value: (counts[value], theirs[name][value]) for value in counts | theirs[name]}
        chi_square = sum((a - b) ** 2 / (a + b) for a, b in both.values())
        freedom = len(both) - 1
        assert chi_square < freedom + 5 * (2 * freedom) ** 0.5 + 5, (name, both)


def test_a_triplet_is_drawn_a_quarter_of_the_time() -> None:
    rng = random.Random(23)
    hands = [hand for hand in (draw_finished(rng) for _ in range(20_000)) if not is_orphans(hand)]
    triplets = sum(hand.count(kind) >= 3 for hand in hands for kind in range(27, 34))
    assert triplets / (0.94 * 20_000) == pytest.approx(4 * 0.25 * 7 / 34, rel=0.05)


def test_the_tile_is_taken_away_uniformly() -> None:
    rng = random.Random(24)
    orphans = [example for example in (TASK.synthesise(rng) for _ in range(20_000)) if is_orphans_but_one(example)]
    thirteen_sided = sum(example.prompt == "19m19p19s1234567z" for example in orphans)
    assert thirteen_sided / len(orphans) == pytest.approx(2 / 14, abs=0.08)


def is_orphans_but_one(example: Example) -> bool:
    m, p, s, z = parse_hand(example.prompt)
    return set(m + p + s) <= {"1", "9"} and sum(map(len, map(set, (m, p, s, z)))) >= 12


def test_synthesised_hands_verify_and_are_told_by_slice() -> None:
    rng = random.Random(25)
    for _ in range(5000):
        example = TASK.synthesise(rng)
        assert format_tiles(parse_hand(example.prompt)) == example.prompt
        assert TASK.verify(example, example.answer)
        one_suit = len({letter for letter in example.prompt if letter in "mpsz"}) == 1
        assert example.slice == (ONE_SUIT if one_suit else MIXED)


@pytest.mark.parametrize("completion", ["12z", "1z2z", "2z 1z", " 1z, 2z\n", "a pair waits > 12z", "3m > 5p > 21z"])
def test_all_the_waits_are_right_however_written(completion: str) -> None:
    assert TASK.verify(HAND, completion)


@pytest.mark.parametrize(
    "completion", ["", "1z", "123z", "12z1m", "12", "The waits are 12z", "12z.", "12z > ", "\x00", "9" * 100_000, "８z"]
)
def test_anything_else_is_wrong(completion: str) -> None:
    assert not TASK.verify(HAND, completion)


def test_a_hand_without_waits_is_answered_by_nothing() -> None:
    hand = Example("147m258p369s1234z", "")
    assert TASK.verify(hand, " ")
    assert not TASK.verify(hand, "1z")


@pytest.mark.parametrize("prompt", ["", "1m", "11111m123p456s12z", "hello", "123m456p789s11222z"])
def test_a_bad_hand_has_no_right_answer(prompt: str) -> None:
    assert not TASK.verify(Example(prompt, "1m"), "1m")


def test_held_out_hands_are_fixed_by_the_seed_and_all_different() -> None:
    spec = MahjongTask(kind="mahjong", gate_examples=400, validation_examples=100, seed=7)
    held_out = load_task(spec).held_out()
    assert held_out == load_task(spec).held_out()
    assert (len(held_out.validation), len(held_out.gate)) == (100, 400)
    assert len({example.prompt for example in held_out.validation + held_out.gate}) == 500
    other = load_task(spec.model_copy(update={"seed": 8})).held_out()
    assert not {example.prompt for example in other.gate} & {example.prompt for example in held_out.gate}


def test_the_teachers_prompt_is_short_right_and_shares_its_beginning() -> None:
    one, two = TASK.teacher_prompt("123m456p789s1122z"), TASK.teacher_prompt("19m19p19s1234567z")
    worked = [line.split(" > ") for line in one.splitlines() if " > " in line]
    assert 4 <= len(worked) <= 6
    for hand, answer in worked:
        assert format_tiles(waits(parse_hand(hand))) == answer
    assert len(one) < 800
    assert one.removesuffix("123m456p789s1122z >") == two.removesuffix("19m19p19s1234567z >")


def test_near_duplicates_are_hands_with_their_suits_permuted() -> None:
    form = TASK.canonical("123m456p789s1122z")
    assert TASK.canonical("789m123p456s1122z") == form
    assert TASK.canonical("321m456p987s2211z") == form
    assert TASK.canonical("123m456p789s1133z") != form
    assert TASK.canonical("987m654p321s1122z") == form
    assert TASK.canonical("123m456p788s1122z") != form
    assert TASK.canonical("no hand") == "no hand"
