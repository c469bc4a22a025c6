"""The entry point: the table of commands, and how every error ends."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence

import click

from stratos import __version__
from stratos.errors import StratosError

_COMMANDS: Mapping[str, str] = {
    "init": "Write a commented spec to start from.",
    "schema": "Print the spec's JSON Schema, for editors.",
    "probe": "Measure how much of the task each teacher knows.",
    "plan": "Show what would be done, why, and what it costs.",
    "up": "Probe, plan, distil, gate and serve.",
    "runs": "List the runs on this machine.",
    "status": "Show where a run stands.",
    "logs": "Print a run's logs.",
    "ask": "Ask a run's student.",
    "report": "Write a run's report as one HTML file.",
    "destroy": "Leave nothing of a run, and prove it.",
    "completion": "Print the completion script for a shell.",
    "worker": "Do a job of a run (started by `up`).",
}
_HIDDEN = ("worker",)


class _Table(click.Group):
    """Commands by name, each in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for name in _COMMANDS if name not in _HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"stratos.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name]) for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}{_near(args[0])}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Table, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stratos")
def stratos() -> None:
    """From a task, a budget and a latency bound to a served small model that beats its teacher."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and exits as its errors say: 0 done, 2 usage or spec, 3 to 8 as in stratos.errors, 130 Ctrl-C."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        stratos.main(arguments, prog_name="stratos", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted; run the same command again to go on where it was", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except StratosError as error:
        _report(str(error), error.hint, error.exit_code, as_json="--json" in arguments)
    except Exception as error:
        if os.environ.get("STRATOS_DEBUG"):
            raise
        words = f"unexpected {type(error).__name__}: {error}"
        _report(words, "set STRATOS_DEBUG=1 to see where", 1, as_json="--json" in arguments)


def _report(message: str, hint: str, exit_code: int, *, as_json: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps({"error": message, "hint": hint, "exit_code": exit_code}, ensure_ascii=False))
    else:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True)
        if hint:
            click.echo(f"{click.style('hint:', fg='cyan')} {hint}", err=True)
    sys.exit(exit_code)


def _near(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, _COMMANDS, n=1)
    return f"; did you mean {close[0]}?" if close else ""
