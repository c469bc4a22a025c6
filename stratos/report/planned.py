"""The report's sections on the plan: the choice and why, the frontier, and what came near."""

from __future__ import annotations

from stratos.plan.model import Candidate, Coverage, Plan
from stratos.report import page
from stratos.report.frontier import NUMBERED, frontier_chart, ranked
from stratos.report.page import Markup
from stratos.report.words import duration, interval, milliseconds, percent, usd


def choice(plan: Plan, decided: Candidate) -> Markup:
    """What was chosen, why, and how much of the task the teacher covers."""
    modes = sorted(f"{name}: {mode}" for name, mode in decided.slice_modes.items())
    parts = [page.bullets(plan.reasons)]
    if decided.mode == "both":
        parts.append(page.paragraph("By slice: " + ", ".join(modes), "soft small"))
    if plan.coverage is None:
        parts.append(page.paragraph("The teacher was not probed when the plan was made.", "soft small"))
    else:
        parts += [page.heading("What the teacher covers"), _coverage(plan.coverage)]
    return page.section("The choice, and why", *parts)


def frontier(plan: Plan) -> Markup:
    """The picture, and its numbered candidates as a table."""
    candidates = ranked(plan)
    rows = [_row(number, candidate) for number, candidate in enumerate(candidates[:NUMBERED], start=1)]
    head = ("", "machine", "teacher → student", "mode", "accuracy", "latency", "training", "cost", "score")
    more = len(candidates) - NUMBERED
    note = f"{plan.considered} candidates considered, {plan.feasible} feasible, {len(candidates)} on the frontier."
    return page.section(
        "The frontier",
        page.paragraph(f"{note}{f' The table leaves out {more}.' if more > 0 else ''}", "soft small"),
        page.figure(frontier_chart(plan)),
        page.table(head, rows, numbers=(4, 5, 6, 7, 8), first="chosen"),
    )


def rejected(plan: Plan) -> Markup:
    """The nearest candidates that break a constraint."""
    if not plan.rejected:
        return page.section("Nearest misses", page.paragraph("No candidate broke a constraint.", "soft"))
    rows = [(one.candidate.id, one.constraint, one.reason) for one in plan.rejected]
    return page.section("Nearest misses", page.table(("candidate", "breaks", "why"), rows))


def _coverage(coverage: Coverage) -> Markup:
    counts = [("all", coverage.overall), *sorted(coverage.slices.items())]
    rows = [(name, f"{one.right} of {one.asked}", interval(one.share)) for name, one in counts]
    return page.table(("slice", "right", "share (95 % interval)"), rows if len(coverage.slices) > 1 else rows[:1])


def _row(number: int, candidate: Candidate) -> tuple[str, ...]:
    return (
        str(number),
        candidate.offer.id,
        f"{candidate.teacher} → {candidate.student}",
        candidate.mode,
        percent(candidate.accuracy.value),
        milliseconds(candidate.latency_ms.value),
        duration(candidate.training_time_s.value),
        usd(candidate.cost_usd.value),
        "" if candidate.score is None else f"{candidate.score:.2f}",
    )
