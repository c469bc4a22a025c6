"""Wilson's interval: textbook values and what it may never do."""

from __future__ import annotations

import pytest

from stratos.plan.intervals import wilson


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    [(0, 48, 0.0, 0.0741), (48, 48, 0.9259, 1.0), (5, 10, 0.2366, 0.7634), (320, 512, 0.5823, 0.6658)],
)
def test_known_intervals(right: int, asked: int, low: float, high: float) -> None:
    figure = wilson(right, asked)
    assert figure.value == right / asked
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=1e-4)


def test_the_interval_holds_the_share_and_narrows_with_more_questions() -> None:
    widths = []
    for asked in (8, 64, 512):
        figure = wilson(asked // 4, asked)
        assert 0 <= figure.low <= figure.value <= figure.high <= 1
        widths.append(figure.high - figure.low)
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(("right", "asked"), [(1, 0), (0, 0), (-1, 4), (5, 4)])
def test_impossible_counts_are_refused(right: int, asked: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(right, asked)
