"""Tables and JSON as pipes and people read them."""

from __future__ import annotations

import json

import pytest

from stratos.cli.console import confirm, print_json, table
from stratos.spec.model import Weights


def test_a_piped_table_is_whole_and_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 400
    table(("name", "value"), [("a", long), ("[red]b[/red]", "ü")], title="figures")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["figures"], ["name", "value"], ["a", long], ["[red]b[/red]", "ü"]]


def test_json_of_models_and_mappings(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(Weights())
    assert json.loads(capsys.readouterr().out) == Weights().model_dump()
    print_json({"name": "ü"})
    assert json.loads(capsys.readouterr().out) == {"name": "ü"}


def test_yes_asks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    confirm("Spend?", yes=True)
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""
