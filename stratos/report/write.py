"""Writes the report of a run, finished or not: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stratos.job.contract import DataReport, Losses
from stratos.job.ledger import Event
from stratos.plan.model import Candidate, Dollars, Plan
from stratos.plan.verdict import Verdict
from stratos.report import measured, page, planned
from stratos.report.page import Markup


@dataclass(frozen=True, slots=True)
class Material:
    """What a run has to show so far; None stands for what it has not come to yet."""

    run: str
    plan: Plan | None
    decided: Candidate | None
    losses: Losses | None
    data: DataReport | None
    verdict: Verdict | None
    training_time_s: float | None
    spent: Dollars
    events: Sequence[Event]


def write_report(material: Material) -> str:
    """The report as HTML. It needs no other file, no network and no script, and shows nothing unescaped."""
    return page.document(f"{material.run} · Stratos", _parts(material))


def _parts(material: Material) -> Iterator[Markup]:
    plan, verdict = material.plan, material.verdict
    decided = material.decided or (plan.chosen if plan else None)
    yield _header(material.run, decided, verdict)
    if plan is None or decided is None:
        yield page.section("Plan", page.paragraph("The run has no plan yet; `stratos up` makes one.", "soft"))
    else:
        actual = measured.Actual(verdict, material.training_time_s, material.spent.total)
        yield measured.tiles(plan, decided, actual)
        yield planned.choice(plan, decided)
        yield planned.frontier(plan)
        yield planned.rejected(plan)
        yield measured.comparison(plan, decided, actual)
        yield measured.dollars(decided.dollars, material.spent)
    yield measured.training(material.losses)
    yield measured.data(material.data)
    yield from measured.gate(verdict)
    yield measured.events(material.events)
    yield _footer(plan)


def _header(run: str, decided: Candidate | None, verdict: Verdict | None) -> Markup:
    words, kind = "not judged yet", "open"
    if verdict is not None:
        words, kind = ("✓ passed its gate", "good") if verdict.passed else ("✗ missed its bar, not served", "bad")
    lead = "No student chosen yet."
    if decided is not None:
        lead = f"{decided.student}, taught by {decided.teacher} through {_mode(decided)} on {decided.offer.id}"
    return Markup(
        f"<header><p>Stratos run</p><h1>{page.escape(run)}</h1><p>{page.escape(lead)}</p>"
        f"{page.state(words, kind).html}</header>"
    )


def _mode(decided: Candidate) -> str:
    return "alignment and injection" if decided.mode == "both" else decided.mode


def _footer(plan: Plan | None) -> Markup:
    if plan is None:
        return Markup("<footer></footer>")
    hashes = f"Plan {plan.content_hash()[:16]} of {plan.created_at}, spec {plan.spec_hash[:16]}"
    return Markup(f"<footer>{page.escape(f'{hashes}, Stratos {plan.stratos_version}')}</footer>")
