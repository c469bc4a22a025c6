"""`stratos status`: where one run stands."""

from __future__ import annotations

import click


@click.command(name="status")
@click.option("--run", "name", help="The run; the only one unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str | None, as_json: bool) -> None:
    """Show a run's state, progress, dollars and endpoint."""
    from stratos.cli.console import print_json, table
    from stratos.lifecycle.runs import existing
    from stratos.lifecycle.status import Status, status
    from stratos.lifecycle.working import describe

    one: Status = status(existing(name))
    if as_json:
        print_json(one)
        return
    rows = [("run", f"{one.run} ({one.id})"), ("state", one.state), ("step", one.step)]
    if one.student:
        rows.append(("choice", f"{one.teacher} → {one.student}, {one.mode}"))
    if one.heartbeat:
        beat = one.heartbeat
        rows.append(("worker", f"{beat.phase} {beat.done}/{beat.total} {describe(beat)}".strip()))
    rows.append(("spent", f"${one.spent_usd.total:.6f} of ${one.budget_usd:.2f}"))
    if one.gate_passed is not None:
        rows.append(("gate", "passed" if one.gate_passed else "failed"))
    if one.endpoint:
        rows.append(("endpoint", one.endpoint.url))
    table(("", ""), rows)
