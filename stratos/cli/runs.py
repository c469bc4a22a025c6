"""`stratos runs`: every run on this machine."""

from __future__ import annotations

import click


@click.command(name="runs")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the runs on this machine."""
    from stratos.cli.console import print_json, table
    from stratos.lifecycle.runs import all_runs
    from stratos.lifecycle.status import status

    found = [status(run) for run in all_runs()]
    if as_json:
        print_json({"runs": [one.model_dump() for one in found]})
        return
    rows = [
        (one.run, one.state, one.student or "", f"${one.spent_usd.total:.4f}", one.endpoint.url if one.endpoint else "")
        for one in found
    ]
    table(("run", "state", "student", "spent", "endpoint"), rows)
