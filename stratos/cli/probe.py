"""`stratos probe`: measures how much of the task each teacher knows."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="probe")
@click.option("--spec", "spec_path", type=click.Path(path_type=Path), default=Path("stratos.yaml"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the coverage as JSON.")
def command(spec_path: Path, as_json: bool) -> None:
    """Ask each teacher a sample of the task and keep its coverage, which decides the mode of every later plan."""
    from stratos.cli.console import print_json, table
    from stratos.cli.progress import shown
    from stratos.lifecycle.probing import probe_all
    from stratos.spec.load import load_spec

    with shown(silent=as_json) as progress:
        coverages = probe_all(load_spec(spec_path), progress)
    if as_json:
        print_json({"coverage": [coverage.model_dump() for coverage in coverages]})
        return
    rows = [
        (coverage.teacher, name, f"{part.right}/{part.asked}", f"{part.share.low:.1%} … {part.share.high:.1%}")
        for coverage in coverages
        for name, part in {**coverage.slices, "overall": coverage.overall}.items()
    ]
    table(("teacher", "slice", "right", "95 % interval"), rows)
