"""`stratos report`: one self-contained HTML file of a run."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="report")
@click.option("--run", "name", help="The run; the only one unless given.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the file here too.")
@click.option("--json", "as_json", is_flag=True, help="Print plan, verdict and dollars as JSON.")
def command(name: str | None, out: Path | None, as_json: bool) -> None:
    """Write a run's report: frontier, losses, predicted against actual, samples side by side."""
    from stratos.cli.console import print_json
    from stratos.job import layout
    from stratos.lifecycle.recording import save_report
    from stratos.lifecycle.runs import existing

    run = existing(name)
    shown = save_report(run)
    written = run.folder / layout.REPORT
    if out is not None:
        out.write_bytes(written.read_bytes())
    if not as_json:
        click.echo(str(out or written))
        return
    print_json(
        {
            "run": run.name,
            "report": str(out or written),
            "plan": shown.plan.model_dump(mode="json") if shown.plan else None,
            "verdict": shown.verdict.model_dump(mode="json") if shown.verdict else None,
            "training_time_s": shown.training_time_s,
            "spent_usd": shown.spent.model_dump(),
        }
    )
