"""The command line: its table, its errors on stderr and as JSON, its exit codes, Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from feasible import loosen

from stratos import __version__
from stratos.cli.main import main

STRATOS = [sys.executable, "-m", "stratos"]
HEAVY = (
    "torch",
    "transformers",
    "pulumi",
    "bentoml",
    "pydantic",
    "rich",
    "yaml",
    "gpuhunt",
    "numpy",
    "httpx",
    "fsspec",
)


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def _loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running the code."""
    printed = f"{code}\nimport sys; sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", printed], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_help_loads_nothing_but_click() -> None:
    loaded = _loaded_by("from stratos.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass")
    assert "click" in loaded
    assert not loaded & set(HEAVY)


def test_help_of_every_command_loads_no_engine_and_is_what_the_table_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--help") == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.partition("Commands:\n")[2].splitlines() if line]
    assert len(listed) >= 12
    assert "worker" not in listed
    helps = "\n".join(
        f"try: main(['{name}', '--help'])\nexcept SystemExit as end: assert end.code == 0"
        for name in [*listed, "worker"]
    )
    assert not _loaded_by(f"from stratos.cli.main import main\n{helps}") & {
        "torch",
        "pulumi",
        "bentoml",
        "transformers",
    }


def test_no_command_is_answered_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run() == 2
    assert "Commands:" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--version") == 0
    assert __version__ in capsys.readouterr().out


def test_a_misspelt_command_or_option_is_a_usage_error_with_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("plna") == 2
    assert "did you mean plan?" in capsys.readouterr().err
    assert _run("plan", "--sepc", "x") == 2
    captured = capsys.readouterr()
    assert "--spec" in captured.err
    assert captured.out == ""


def test_an_error_is_told_on_stderr_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("plan", "--spec", str(tmp_path / "none.yaml")) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    error, hint = captured.err.splitlines()
    assert error == f"error: {tmp_path}/none.yaml: there is no such file"
    assert hint.startswith("hint: ")
    assert "stratos init" in hint


def test_with_json_an_error_is_one_object_on_stdout_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "stratos.yaml"
    path.write_text("name: A\n")
    assert _run("plan", "--json", "--spec", str(path)) == 2
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert set(told) == {"error", "hint", "exit_code"}
    assert told["exit_code"] == 2
    assert f"{path}:1: name: 'A' is wrong" in told["error"]
    assert captured.err.startswith("error: ")


@pytest.mark.parametrize("arguments", [("status", "--json"), ("status", "--json", "--nope"), ("report", "--json")])
def test_with_json_usage_errors_are_objects_as_well(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code = _run(*arguments)
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code == 2
    assert told["error"]
    assert told["hint"]


def test_an_unexpected_error_is_one_line_that_says_how_to_see_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, home = tmp_path / "stratos.yaml", tmp_path / "home"
    assert _run("init", str(spec)) == 0
    home.write_text("a file where a folder has to be")
    monkeypatch.setenv("STRATOS_HOME", str(home))
    assert _run("up", "--spec", str(spec), "--yes") == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: unexpected NotADirectoryError: ")
    assert "STRATOS_DEBUG=1" in hint
    monkeypatch.setenv("STRATOS_DEBUG", "1")
    with pytest.raises(NotADirectoryError):
        main(["up", "--spec", str(spec), "--yes"])


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(tmp_path: Path, options: tuple[str, ...]) -> None:
    spec = tmp_path / "spec.yaml"
    os.mkfifo(spec)
    process = subprocess.Popen(
        [*STRATOS, "plan", "--spec", str(spec), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with open(spec, "w"):  # opens when the command opens its end, and keeps it reading
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.split("\n") == ["", "interrupted; run the same command again to go on where it was", ""]
    assert output == "" if not options else json.loads(output)["exit_code"] == 130


def test_a_closed_pipe_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*STRATOS, "schema"], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == ""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_no_command(tmp_path: Path, closed: str) -> None:
    command = [*STRATOS, "runs"]
    done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_is_told_without_a_traceback(options: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        command = [*STRATOS, "runs", *options]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    error, hint = done.stderr.splitlines()
    assert "No space left on device" in error
    assert hint.startswith("hint: ")


def test_names_and_signs_that_a_stream_cannot_write(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xc3\xbc.yaml")
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}

    def output(*arguments: str, code: int) -> str:
        command = [*STRATOS, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=ascii_only, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout

    told = json.loads(output("plan", "--json", "--spec", name, code=2))
    assert told["error"] == f"{name}: there is no such file"
    assert output("init", name, code=0).startswith("wrote ?ü.yaml;")
    loosen(tmp_path / name)
    assert "frontier (80 % intervals)" in output("plan", "--spec", name, code=0)


def _in_terminal(*command: str, answer: str = "", **settings: str) -> tuple[str, int]:
    """What a command shows on a terminal, and how it ends."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm", **settings}
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux ends a closed terminal so
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return shown.decode(), process.wait(timeout=60)


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[31m" in _in_terminal(*STRATOS, "status")[0]
    assert "\x1b[" not in _in_terminal(*STRATOS, "status", NO_COLOR="1")[0]
    piped = subprocess.run([*STRATOS, "status"], capture_output=True, text=True, check=False)
    assert "\x1b[" not in piped.stdout + piped.stderr


_CONFIRM = (
    sys.executable,
    "-c",
    "from stratos.cli.console import confirm\nfrom stratos.errors import StratosError\n"
    "try: confirm('Spend?', yes=False); print('went on')\n"
    "except StratosError as error: print(error, error.exit_code)",
)


@pytest.mark.parametrize(("answer", "shown"), [("y\n", "went on"), ("n\n", "not confirmed"), ("\n", "not confirmed")])
def test_a_question_on_a_terminal_is_answered_by_a_person(answer: str, shown: str) -> None:
    output, code = _in_terminal(*_CONFIRM, answer=answer)
    assert "Spend? [y/N]" in output
    assert shown in output
    assert code == 0


def test_a_question_without_a_terminal_needs_yes() -> None:
    done = subprocess.run(_CONFIRM, input="y\n", capture_output=True, text=True, check=True)
    assert done.stdout == "nobody is there to confirm this 2\n"
