"""init, schema and completion: what a newcomer types first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stratos.cli.main import main
from stratos.spec.load import load_spec
from stratos.spec.schema import json_schema


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_init_writes_a_spec_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run("init") == 0
    text = (tmp_path / "stratos.yaml").read_text()
    assert text.startswith("#")
    assert load_spec(tmp_path / "stratos.yaml").name == "my-student"


def test_init_replaces_nothing_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("precious")
    assert _run("init", str(mine)) == 2
    assert "--force" in capsys.readouterr().err
    assert mine.read_text() == "precious"
    assert _run("init", str(mine), "--force") == 0
    assert load_spec(mine)
    assert f"stratos plan --spec {mine}" in capsys.readouterr().out


def test_init_names_the_next_command_as_a_shell_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "my spec.yaml"
    assert _run("init", str(mine)) == 0
    assert f"stratos plan --spec '{mine}'" in capsys.readouterr().out


def test_init_where_nothing_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("init", str(tmp_path / "no" / "folder.yaml")) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert _run("init", str(tmp_path)) == 2


def test_schema_is_printed_for_editors(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("schema") == 0
    assert json.loads(capsys.readouterr().out) == json_schema()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("completion", shell) == 0
    script = capsys.readouterr().out
    assert f"_STRATOS_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_completion_of_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("completion", "tcsh") == 2
    assert "bash" in capsys.readouterr().err


def test_the_shell_is_offered_commands_and_options() -> None:
    def offered(words: str) -> list[str]:
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_STRATOS_COMPLETE": "bash_complete"}
        code = "from stratos.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True, check=False
        )
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert offered("stratos pl") == ["plan"]
    assert set(offered("stratos plan --")) >= {"--spec", "--out", "--json"}
    assert "worker" not in offered("stratos ")
