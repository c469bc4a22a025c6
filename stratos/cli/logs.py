"""`stratos logs`: what a run's processes wrote."""

from __future__ import annotations

import click

_PARTS = ("worker", "endpoint", "up")


@click.command(name="logs")
@click.option("--run", "name", help="The run; the only one unless given.")
@click.option("--part", type=click.Choice(_PARTS), help="Only this process's log; all unless given.")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run is served, stopped or gone.")
def command(name: str | None, part: str | None, follow: bool) -> None:
    """Print a run's logs."""
    from stratos.lifecycle.logs import lines
    from stratos.lifecycle.runs import existing

    for line in lines(existing(name), (part,) if part else _PARTS, follow=follow):
        click.echo(line)
