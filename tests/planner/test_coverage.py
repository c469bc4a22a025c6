"""From counts to modes: known slices are followed, unknown ones injected, undecided ones said to be so."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stratos.plan.intervals import wilson
from stratos.plan.model import Coverage, SliceCoverage, SliceMode
from stratos.planner.coverage import assumed, decide


@pytest.mark.parametrize(
    ("right", "asked", "mode"),
    [(0, 48, "injection"), (12, 48, "injection"), (46, 48, "alignment"), (48, 48, "alignment"), (26, 48, "injection")],
)
def test_the_lower_end_decides(right: int, asked: int, mode: SliceMode) -> None:
    decision = decide(coverage(right, asked), ["all"], 0.3, can_inject=True)
    assert (decision.mode, decision.slice_modes) == (mode, {"all": mode})
    assert f"{right} of {asked} right" in decision.reason


def test_the_bar_is_the_accuracy_asked_for_where_that_is_more_than_half() -> None:
    known = coverage(40, 48)
    assert decide(known, ["all"], 0.5, can_inject=True).mode == "alignment"
    assert decide(known, ["all"], 0.9, can_inject=True).mode == "injection"


def test_each_slice_has_its_own_mode() -> None:
    known = coverage(24, 48, {"easy": (24, 24), "hard": (0, 24)})
    decision = decide(known, ["easy", "hard"], 0.5, can_inject=True)
    assert decision.mode == "both"
    assert decision.slice_modes == {"easy": "alignment", "hard": "injection"}
    assert "alignment" in decision.reason
    assert "on hard: injection" in decision.reason


def test_slices_with_few_or_no_questions_follow_the_whole() -> None:
    known = coverage(46, 50, {"usual": (46, 46), "rare": (0, 4)})
    decision = decide(known, ["usual", "rare", "never-asked"], 0.5, can_inject=True)
    assert set(decision.slice_modes.values()) == {"alignment"}


def test_undecided_is_said() -> None:
    known = coverage(24, 48, {"sure": (0, 24), "open": (12, 24)})
    decision = decide(known, ["sure", "open"], 0.5, can_inject=True)
    assert decision.slice_modes["open"] == "injection"
    assert decision.reason.endswith("undecided: open")


def test_where_nothing_can_be_injected_the_teacher_is_followed() -> None:
    decision = decide(coverage(1, 48), ["all"], 0.5, can_inject=False)
    assert decision.mode == "alignment"
    assert "there is nothing to inject, so it is followed" in decision.reason
    assert "knows enough to be followed" not in decision.reason


def test_only_what_the_teacher_knows_is_said_to_be_known() -> None:
    known = coverage(24, 48, {"easy": (24, 24), "hard": (0, 24)})
    reason = decide(known, ["easy", "hard"], 0.5, can_inject=False).reason
    assert "it knows enough to be followed on easy: alignment" in reason
    assert "so it is followed on hard: alignment" in reason


def test_without_a_probe_it_is_an_assumption() -> None:
    decision = assumed(["a", "b"], "injection")
    assert decision.slice_modes == {"a": "injection", "b": "injection"}
    assert "not probed yet" in decision.reason


def coverage(right: int, asked: int, slices: Mapping[str, tuple[int, int]] | None = None) -> Coverage:
    parts = {name: _part(*counts) for name, counts in (slices or {"all": (right, asked)}).items()}
    return Coverage(
        teacher="teacher", fingerprint="0" * 64, slices=parts, overall=_part(right, asked), seconds=9.0, usd=0.001
    )


def _part(right: int, asked: int) -> SliceCoverage:
    return SliceCoverage(right=right, asked=asked, share=wilson(right, asked))
