"""From a teacher's coverage to the mode of each slice: align what it knows, inject what it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stratos.plan.model import Coverage, Figure, Mode, SliceMode

COVERED = 0.5
LEAST_ASKED = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """The mode of each slice and of the whole, and why, in a sentence."""

    slice_modes: Mapping[str, SliceMode]
    mode: Mode
    reason: str


def decide(coverage: Coverage, slices: Sequence[str], min_accuracy: float, *, can_inject: bool) -> Decision:
    """Covered slices are aligned, the others injected; an undecided one is injected where that can be done.

    A slice is covered where the lower end of its interval reaches the bar (half of the questions, or min_accuracy
    where that is more), uncovered where the upper end stays below it. A slice of fewer than 8 questions follows the
    whole.
    """
    bar = max(COVERED, min_accuracy)
    modes: dict[str, SliceMode] = {}
    undecided: list[str] = []
    for name in slices:
        share = share_of(coverage, name)
        if share.low >= bar or not can_inject:
            modes[name] = "alignment"
        else:
            modes[name] = "injection"
        if share.low < bar <= share.high:
            undecided.append(name)
    return Decision(modes, mode_of(modes), _reason(coverage, bar, modes, undecided))


def share_of(coverage: Coverage, name: str) -> Figure:
    """What the teacher knows of a slice; of the whole where the slice was asked fewer than 8 questions."""
    measured = coverage.slices.get(name)
    return (measured if measured is not None and measured.asked >= LEAST_ASKED else coverage.overall).share


def assumed(slices: Sequence[str], mode: SliceMode) -> Decision:
    """The same mode for every slice, while no coverage is known."""
    return Decision(dict.fromkeys(slices, mode), mode, f"the teacher was not probed yet; {mode} is assumed")


def mode_of(slice_modes: Mapping[str, SliceMode]) -> Mode:
    """One word for the modes of all slices."""
    kinds = set(slice_modes.values())
    return "both" if len(kinds) > 1 else next(iter(kinds))


def _reason(coverage: Coverage, bar: float, modes: Mapping[str, SliceMode], undecided: Sequence[str]) -> str:
    overall = coverage.overall
    share = (
        f"{overall.right} of {overall.asked} right, 95 % interval {overall.share.low:.0%} to {overall.share.high:.0%}"
    )
    parts = [f"{coverage.teacher} was probed: {share}, against a bar of {bar:.0%}"]
    known = [name for name, mode in modes.items() if mode == "alignment" and share_of(coverage, name).low >= bar]
    unsure = [name for name, mode in modes.items() if mode == "alignment" and name not in known]
    injected = [name for name, mode in modes.items() if mode == "injection"]
    for mode, names, words in (
        ("alignment", known, "it knows enough to be followed"),
        ("alignment", unsure, "it does not surely know enough, but there is nothing to inject, so it is followed"),
        ("injection", injected, "it is not followed"),
    ):
        if names:
            where = "" if len(names) == len(modes) else f" on {', '.join(names)}"
            parts.append(f"{words}{where}: {mode}")
    if undecided:
        parts.append(f"undecided: {', '.join(undecided)}")
    return "; ".join(parts)
