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

    starter = files("stratos.spec").joinpath("starter.yaml").read_text(encoding="utf-8")
    try:
        with open(file, "w" if force else "x", encoding="utf-8") as opened:
            opened.write(starter)
    except FileExistsError:
        raise SpecError(f"{file} exists", hint="name another file, or replace it with --force") from None
    except OSError as error:
        raise SpecError(f"{file} cannot be written: {error.strerror}", hint="name another file") from None
    click.echo(f"wrote {file}; change it, then run `stratos plan{_named(file)}`")


def _named(file: Path) -> str:
    import shlex

    return "" if file == Path("stratos.yaml") else f" --spec {shlex.quote(str(file))}"
