"""`stratos completion`: shell completion."""

from __future__ import annotations

import click


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL; source it from the shell's start-up file."""
    from click.shell_completion import get_completion_class

    from stratos.cli.main import stratos

    chosen = get_completion_class(shell)
    assert chosen is not None
    click.echo(chosen(stratos, {}, "stratos", "_STRATOS_COMPLETE").source())
