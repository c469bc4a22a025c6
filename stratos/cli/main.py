"""The entry point: the table of commands, and how every error ends."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
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
_INTERRUPTED = 130


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
    """Runs a command and exits as its errors say: 0 done, 2 usage or spec, 3 to 8 as in stratos.errors, 130 Ctrl-C.

    With `--json` among the arguments an error is one JSON object on stdout too: {"error", "hint", "exit_code"}.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _mend_streams()
    try:
        code = stratos.main(arguments, prog_name="stratos", standalone_mode=False, color=_color())
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("STRATOS_DEBUG") and not isinstance(error, StratosError | click.ClickException | click.Abort):
            raise
        code = _end(error, as_json="--json" in arguments)
    sys.exit(code if isinstance(code, int) else 0)


def _mend_streams() -> None:
    """Opens what the caller closed, so that no file of a run gets its number; what stdout cannot write becomes `?`."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _end(error: BaseException, *, as_json: bool) -> int:
    """Tells of the error on stderr, and as JSON on stdout where that was asked for. Returns the exit code."""
    message, hint, exit_code = _told(error)
    if as_json:
        with contextlib.suppress(OSError):  # stdout may be what failed
            click.echo(json.dumps({"error": message, "hint": hint, "exit_code": exit_code}))
    if isinstance(error, click.ClickException):
        error.show()
    elif exit_code == _INTERRUPTED:
        click.echo(f"{message}; {hint}", err=True)
    else:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True, color=_color())
        if hint:
            click.echo(f"{click.style('hint:', fg='cyan')} {hint}", err=True, color=_color())
    return exit_code


def _told(error: BaseException) -> tuple[str, str, int]:
    """Message, hint and exit code of an error."""
    if isinstance(error, StratosError):
        return str(error), error.hint, error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return "interrupted", "run the same command again to go on where it was", _INTERRUPTED
    if isinstance(error, click.ClickException):
        path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "stratos"
        return error.format_message(), f"`{path} --help` shows what it takes", 2
    said = str(error).partition("\n")[0]
    return f"unexpected {type(error).__name__}: {said}", "set STRATOS_DEBUG=1 to see where", 1


def _color() -> bool | None:
    """No colour where NO_COLOR says so; otherwise click decides by where the output goes."""
    return False if os.environ.get("NO_COLOR") else None


def _near(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, _COMMANDS, n=1)
    return f"; did you mean {close[0]}?" if close else ""
