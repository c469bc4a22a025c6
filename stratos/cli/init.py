"""`stratos init`: a commented spec to start from."""

from __future__ import annotations

from pathlib import Path

import click

from stratos.errors import SpecError


@click.command(name="init")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("stratos.yaml"))
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
def command(file: Path, force: bool) -> None:
    """Write a commented spec to FILE (stratos.yaml unless given)."""
    from importlib.resources import files

    if file.exists() and not force:
        raise SpecError(f"{file} exists", hint="name another file, or replace it with --force")
    starter = files("stratos.spec").joinpath("starter.yaml").read_text()
    file.write_text(starter)
    click.echo(f"wrote {file}; change it, then run `stratos plan{_named(file)}`")


def _named(file: Path) -> str:
    return "" if file == Path("stratos.yaml") else f" --spec {file}"
