"""The report's sections on what happened: figures against their predictions, training, data, gate, ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stratos.job.contract import DataReport, Losses
from stratos.job.ledger import Event
from stratos.plan.model import Candidate, Dollars, Figure, Plan
from stratos.plan.verdict import Pairing, Sample, Score, Verdict
from stratos.report import page
from stratos.report.charts import Comparison, comparisons_chart, losses_chart
from stratos.report.page import Cell, Markup
from stratos.report.words import duration, interval, milliseconds, percent, usd

_WORDS_OF_PARTS = {
    "probe": "probe of the teachers",
    "labelling": "labelling",
    "training": "training",
    "gate": "gate",
    "storage": "storage",
    "hosting": "hosting over the horizon",
}


@dataclass(frozen=True, slots=True)
class Actual:
    """What was measured so far."""

    verdict: Verdict | None
    training_time_s: float | None
    spent_usd: float


def tiles(plan: Plan, decided: Candidate, actual: Actual) -> Markup:
    """The four objectives at a glance: measured where they were, predicted otherwise."""
    return page.tiles(_tile(row) for row in _comparisons(plan, decided, actual))


def comparison(plan: Plan, decided: Candidate, actual: Actual) -> Markup:
    """Every objective's prediction against its measurement, as picture and table."""
    rows = _comparisons(plan, decided, actual)
    cells = [
        (
            row.name,
            interval(row.predicted, row.show),
            interval(row.actual, row.show) if row.actual else "not measured yet",
            row.show(row.bound) if row.bound is not None else "",
        )
        for row in rows
    ]
    return page.section(
        "Predicted against actual",
        page.figure(comparisons_chart(rows)),
        page.table(("", "predicted (80 %)", "measured (95 %)", "bound"), cells, numbers=(1, 2, 3)),
        page.paragraph(
            "Cost so far grows while the endpoint is hosted; its prediction covers the horizon.", "soft small"
        ),
    )


def dollars(predicted: Dollars, spent: Dollars) -> Markup:
    """Dollars by part, the total first."""
    parts = [
        (words, usd(getattr(predicted, part)), usd(getattr(spent, part))) for part, words in _WORDS_OF_PARTS.items()
    ]
    rows = [("total", usd(predicted.total), usd(spent.total)), *parts]
    return page.section(
        "Dollars", page.table(("part", "predicted", "spent so far"), rows, numbers=(1, 2), first="total")
    )


def training(losses: Losses | None) -> Markup:
    """The training curve."""
    if losses is None or not losses.points:
        return page.section("Training", page.paragraph("No training step was recorded yet.", "soft"))
    early = [page.paragraph(f"Stopped early: {losses.stopped_early}")] if losses.stopped_early else []
    return page.section("Training", *early, page.figure(losses_chart(losses.points)))


def data(report: DataReport | None) -> Markup:
    """What went into training, and what was dropped."""
    if report is None:
        return page.section("Data", page.paragraph("No training data was prepared yet.", "soft"))
    counts = [
        ("from reverse synthesis", report.injected),
        ("from the teacher", report.aligned),
        ("dropped: a held-out example", report.dropped_exact_duplicates_of_held_out),
        ("dropped: nearly a held-out example", report.dropped_near_duplicates_of_held_out),
        ("dropped: repeats", report.dropped_repeats),
        ("dropped: refused by the verifier", report.rejected_by_verifier),
    ]
    slices = sorted(report.by_slice.items())
    parts = [page.table(("training examples", "count"), [(name, f"{n:,}") for name, n in counts], numbers=(1,))]
    if len(slices) > 1:
        parts.append(page.heading("Kept, by slice"))
        parts.append(page.table(("slice", "examples"), [(name, f"{n:,}") for name, n in slices], numbers=(1,)))
    return page.section("Data", *parts)


def gate(verdict: Verdict | None) -> Iterator[Markup]:
    """Every check, the scores by slice, and samples side by side."""
    if verdict is None:
        yield page.section("Gate", page.paragraph("The student was not judged yet.", "soft"))
        return
    checks: list[tuple[Cell, ...]] = [
        (page.mark(check.passed), check.name, check.requirement, f"{check.measured:.4g}", check.shortfall)
        for check in verdict.checks
    ]
    yield page.section(
        "Gate",
        page.table(("", "check", "requirement", "measured", "shortfall"), checks, numbers=(3,)),
        page.heading("Held-out accuracy"),
        _scores(verdict),
        *(page.paragraph(_pairing(pairing), "soft small") for pairing in verdict.pairings),
        page.paragraph(_load(verdict), "soft small"),
    )
    yield page.section("Samples", *map(_sample, verdict.samples))


def events(ledger: Sequence[Event]) -> Markup:
    """The ledger, folded."""
    rows = [
        (
            str(one.number),
            one.at[:19].replace("T", " "),
            one.kind,
            json.dumps(one.data, ensure_ascii=False) if one.data else "",
        )
        for one in ledger
    ]
    if not rows:
        return page.section("Ledger", page.paragraph("Nothing was recorded yet.", "soft"))
    listing = page.table(("", "at (UTC)", "event", "with"), rows)
    return page.section("Ledger", page.folded(f"{len(rows)} events", listing))


def _comparisons(plan: Plan, decided: Candidate, actual: Actual) -> list[Comparison]:
    verdict, bounds = actual.verdict, plan.spec.constraints
    accuracy = verdict.student.accuracy if verdict else None
    latency_ms = verdict.load.latency_ms if verdict else None
    time_s = None if actual.training_time_s is None else _exact(actual.training_time_s)
    return [
        Comparison("accuracy", decided.accuracy, accuracy, bounds.min_accuracy, percent, most=1.0),
        Comparison(
            f"latency, p{bounds.latency_percentile:g}",
            decided.latency_ms,
            latency_ms,
            bounds.latency_ms,
            milliseconds,
        ),
        Comparison("training time", decided.training_time_s, time_s, bounds.deadline.total_seconds(), duration),
        Comparison("cost", decided.cost_usd, _exact(actual.spent_usd), bounds.budget_usd, usd),
    ]


def _exact(value: float) -> Figure:
    return Figure(value=value, low=value, high=value)


def _tile(row: Comparison) -> tuple[str, str, str]:
    bound = f"bound {row.show(row.bound)}" if row.bound is not None else ""
    if row.actual is None:
        return f"{row.name}, predicted", row.show(row.predicted.value), bound
    return row.name, row.show(row.actual.value), f"predicted {row.show(row.predicted.value)}, {bound}"


def _scores(verdict: Verdict) -> Markup:
    names = sorted(verdict.student_slices)
    rows = [("all", *_score_cells(verdict.student), *_score_cells(verdict.teacher))]
    if len(names) > 1:
        rows += [
            (name, *_score_cells(verdict.student_slices[name]), *_score_cells(verdict.teacher_slices.get(name)))
            for name in names
        ]
    head = ("slice", "student right", "accuracy (95 %)", "teacher right", "accuracy (95 %)")
    return page.table(head, rows, numbers=(1, 2, 3, 4))


def _score_cells(score: Score | None) -> tuple[str, str]:
    return (f"{score.right} of {score.asked}", interval(score.accuracy)) if score else ("not asked", "")


def _pairing(pairing: Pairing) -> str:
    difference = pairing.difference
    return (
        f"On {pairing.pairs} prompts that both answered ({pairing.mode}): only the student right"
        f" {pairing.only_student_right} times, only the teacher {pairing.only_teacher_right}; difference"
        f" {100 * difference.value:+.1f} points ({100 * difference.low:+.1f} to {100 * difference.high:+.1f}),"
        f" p = {pairing.p_value:.3g}."
    )


def _load(verdict: Verdict) -> str:
    load = verdict.load
    return (
        f"Load: {load.requests} requests, Poisson arrivals at {load.requests_per_second:g}/s, prompts of"
        f" {load.prompt_tokens:.0f} and answers of {load.completion_tokens:.0f} tokens on average; median"
        f" {milliseconds(load.median_ms)}, p{load.percentile:g} {interval(load.latency_ms, milliseconds)}."
    )


def _sample(sample: Sample) -> Markup:
    where = f" · {sample.slice}" if sample.slice != "all" else ""
    question = page.preformatted(Markup(f"prompt{page.escape(where)}"), sample.prompt)
    expected = page.preformatted(Markup("expected"), sample.expected)
    student = page.preformatted(_label("student", sample.student_right), sample.student)
    teacher = Markup("")
    if sample.teacher is not None:
        teacher = page.preformatted(_label("teacher", bool(sample.teacher_right)), sample.teacher)
    top = f'<div class="pair">{question.html}{expected.html}</div>'
    bottom = f'<div class="pair">{teacher.html}{student.html}</div>'
    return Markup(f'<div class="sample">{top}{bottom}</div>')


def _label(who: str, right: bool) -> Markup:
    kind, words = ("good", "✓ right") if right else ("bad", "✗ wrong")
    return Markup(f'{who} <span class="{kind}">{words}</span>')
