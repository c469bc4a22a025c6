"""`stratos destroy`: leaves nothing of a run, and proves it."""

from __future__ import annotations

import click


@click.command(name="destroy")
@click.option("--run", "name", help="The run; the only one unless given.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the proof as JSON.")
def command(name: str | None, yes: bool, as_json: bool) -> None:
    """End every process of a run, remove all that it made, and prove that nothing is left."""
    from stratos.cli.console import confirm, print_json
    from stratos.lifecycle.runs import existing
    from stratos.lifecycle.teardown import destroy

    name = name or existing(None).name
    confirm(f"Destroy run {name}: its endpoint, artifact, checkpoints and logs?", yes=yes)
    proof = destroy(name)
    if as_json:
        print_json(proof)
        return
    for path in proof.removed:
        click.echo(f"removed {path}")
    click.echo(f"ended {len(proof.ended_processes)} processes" if proof.ended_processes else "no process was running")
    click.echo(f"nothing is left of run {name}: 0 processes carry its tag, 0 of its paths exist")
