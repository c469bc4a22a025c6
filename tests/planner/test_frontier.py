"""The frontier against a brute-force check, and the choice by weights."""

from __future__ import annotations

import numpy as np
import pytest

from stratos.planner.choose import best, scores
from stratos.planner.frontier import on_frontier
from stratos.spec.model import Weights


@pytest.mark.parametrize("seed", range(20))
def test_the_frontier_is_exactly_what_brute_force_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.random((150, 4)) if seed % 2 else rng.integers(0, 4, (150, 4)).astype(float)
    assert on_frontier(points).tolist() == [not _is_dominated(points, index) for index in range(len(points))]


def test_equal_points_are_all_on_the_frontier() -> None:
    points = np.array([[1.0, 1, 1, 1], [1, 1, 1, 1], [2, 1, 1, 1]])
    assert on_frontier(points).tolist() == [True, True, False]


def test_no_points_have_no_frontier() -> None:
    assert on_frontier(np.zeros((0, 4))).tolist() == []


def test_scores_are_one_for_the_best_and_zero_for_the_worst_in_everything() -> None:
    points = np.array([[0.0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]])
    assert scores(points, Weights()).tolist() == pytest.approx([1.0, 0.5, 0.0])


def test_a_score_is_the_weighted_mean_of_the_places() -> None:
    points = np.array([[-0.9, 100.0, 60, 2.0], [-0.5, 50, 60, 1.0]])
    found = scores(points, Weights(accuracy=3, latency=1, training_time=2, cost=0))
    assert found.tolist() == pytest.approx([(3 + 2) / 6, (1 + 2) / 6])


def test_the_best_by_positive_weights_is_never_dominated() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        points = rng.random((40, 4))
        weights = Weights(**dict(zip(Weights.model_fields, rng.random(4) + 0.01, strict=True)))
        assert on_frontier(points)[best(scores(points, weights), [str(index) for index in range(40)])]


def test_equals_are_told_apart_by_name_wherever_they_stand() -> None:
    assert best(np.array([0.5, 0.7, 0.7]), ["a", "c", "b"]) == 2
    assert best(np.array([0.7, 0.7, 0.5]), ["b", "c", "a"]) == 0


def _is_dominated(points: np.ndarray, index: int) -> bool:
    return any((other <= points[index]).all() and (other < points[index]).any() for other in points)
