"""`stratos plan`: what would be done, why, what it costs, and what was not taken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from stratos.plan.model import Candidate, Figure, Plan

_SHOWN = 12


@click.command(name="plan")
@click.option("--spec", "spec_path", type=click.Path(path_type=Path), default=Path("stratos.yaml"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write the plan to this file, for `up --plan`.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(spec_path: Path, out: Path | None, as_json: bool) -> None:
    """Choose server, teacher, student and mode, and show what it takes. Spends nothing."""
    from datetime import UTC, datetime

    from stratos.cli.console import print_json
    from stratos.lifecycle.planning import plan_from_spec
    from stratos.plan.files import save_plan
    from stratos.spec.load import load_spec

    plan = plan_from_spec(load_spec(spec_path), datetime.now(UTC))
    if out is not None:
        save_plan(plan, out)
    if as_json:
        print_json(plan)
        return
    show_plan(plan)
    if out is not None:
        click.echo(f"\nwrote {out}; run it with `stratos up --plan {out}`")


def show_plan(plan: Plan) -> None:
    """Prints the plan for a reader."""
    from stratos.cli.console import table

    chosen = plan.chosen
    click.secho(f"{chosen.student} taught by {chosen.teacher}, by {chosen.mode}, on {chosen.offer.id}", bold=True)
    for reason in plan.reasons:
        click.echo(f"  {reason}")
    click.echo(f"\n{plan.considered} candidates, {plan.feasible} feasible, {len(plan.frontier)} on the frontier\n")
    headers = ("", "score", "accuracy", "latency ms", "training", "total USD", "teacher → student, mode", "offer")
    table(headers, [_row(candidate, chosen) for candidate in plan.frontier[:_SHOWN]], title="frontier (80 % intervals)")
    if len(plan.frontier) > _SHOWN:
        click.echo(f"… and {len(plan.frontier) - _SHOWN} more (--json shows all)")
    if plan.rejected:
        click.echo()
        rows = [(one.reason, one.candidate.id) for one in plan.rejected]
        table(("breaks", "candidate"), rows, title="nearest rejected")
    click.echo()
    parts = chosen.dollars.model_dump()
    table(("dollars by part", ""), [*((name, f"{usd:.6f}") for name, usd in parts.items()), _total(chosen)])
    click.echo(
        f"\n{chosen.steps} steps, {chosen.examples:,} examples; memory {chosen.training_memory_gib:.2f} GiB to train, "
        f"{chosen.serving_memory_gib:.2f} GiB to serve; price of {chosen.offer.as_of}"
    )
    for note in plan.notes:
        click.echo(f"note: {note}")


def _row(candidate: Candidate, chosen: Candidate) -> tuple[str, ...]:
    return (
        "→" if candidate.id == chosen.id else "",
        f"{candidate.score or 0.0:.3f}",
        _span(candidate.accuracy, 100, "%"),
        _span(candidate.latency_ms),
        _span(candidate.training_time_s, 1, " s"),
        _span(candidate.cost_usd, 1, "", 4),
        f"{candidate.teacher} → {candidate.student}, {candidate.mode}",
        candidate.offer.id,
    )


def _span(figure: Figure, times: float = 1.0, unit: str = "", digits: int = 0) -> str:
    value, low, high = (f"{times * number:.{digits}f}" for number in (figure.value, figure.low, figure.high))
    return f"{value}{unit} ({low}–{high})"


def _total(chosen: Candidate) -> tuple[str, str]:
    cost = chosen.cost_usd
    return "total", f"{cost.value:.6f} ({cost.low:.6f}–{cost.high:.6f})"
