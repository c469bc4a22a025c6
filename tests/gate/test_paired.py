"""The paired statistics against values worked out by other means."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from stratos.gate.paired import agresti_min, compare, mcnemar
from stratos.plan.intervals import wilson


def test_wilson_matches_published_values() -> None:
    # R. G. Newcombe, Statistics in Medicine 17, 1998, 857-872, table I, method 3 (score without continuity correction)
    for right, asked, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        share = wilson(right, asked)
        assert (round(share.low, 4), round(share.high, 4)) == (low, high)
        assert share.value == right / asked


@pytest.mark.parametrize(("right", "asked"), [(0, 0), (3, 2), (-1, 5)])
def test_wilson_refuses_impossible_counts(right: int, asked: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(right, asked)


def test_wilson_of_all_right_ends_at_one() -> None:
    assert wilson(50, 50).high == 1.0
    assert wilson(0, 50).low == 0.0


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (5, 0), (4, 0), (6, 2), (3, 3), (2, 7)])
def test_mcnemar_equals_counting_every_outcome(better: int, worse: int) -> None:
    outcomes = list(itertools.product((0, 1), repeat=better + worse))
    as_good = sum(sum(outcome) >= better for outcome in outcomes)
    assert mcnemar(better, worse) == pytest.approx(as_good / len(outcomes))


def test_mcnemar_stays_finite_with_thousands_of_pairs() -> None:
    assert 0 < mcnemar(2600, 2400) < 0.05
    assert mcnemar(0, 3000) == 1.0


def test_agresti_min_by_hand() -> None:
    # 20 pairs, 6 against 2: n* = 22, p12* = 6.5/22, p21* = 2.5/22
    difference = agresti_min(6, 2, 20)
    half = 1.959964 * math.sqrt((9 / 22 - (4 / 22) ** 2) / 22)
    assert difference.value == pytest.approx(0.2)
    assert difference.low == pytest.approx(4 / 22 - half, abs=1e-6)
    assert difference.high == pytest.approx(4 / 22 + half, abs=1e-6)


def test_agresti_min_covers_the_truth_nearly_95_times_in_100() -> None:
    rng = random.Random(1)
    covered = 0
    for _ in range(2000):
        draws = rng.choices(("both", "student", "teacher", "none"), weights=(60, 12, 8, 20), k=80)
        interval = agresti_min(draws.count("student"), draws.count("teacher"), 80)
        covered += interval.low <= 0.04 <= interval.high
    assert 0.93 <= covered / 2000 <= 0.98


def test_without_pairs_nothing_is_claimed() -> None:
    pairing = compare("injection", ("rare",), [])
    assert (pairing.difference.low, pairing.difference.high) == (-1.0, 1.0)
    assert pairing.p_value == 1.0


def test_compare_counts_the_discordant_pairs() -> None:
    pairing = compare(
        "alignment", ("a",), [(True, True)] * 5 + [(True, False)] * 3 + [(False, True)] + [(False, False)]
    )
    assert (pairing.pairs, pairing.only_student_right, pairing.only_teacher_right) == (10, 3, 1)
    assert pairing.difference.value == pytest.approx(0.2)
