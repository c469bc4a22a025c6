"""A spec loads with its paths made absolute; every mistake in a broken one is told by line, key and plain words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from stratos.errors import SpecError
from stratos.spec.load import load_spec
from stratos.spec.model import JsonlTask

GOOD = """\
name: good
task: {kind: mahjong}
teachers:
  - name: t
    source: org/model
students:
  - name: s
    shape: {layers: 2, hidden: 64, heads: 4}
constraints:
  budget_usd: 1
  latency_ms: 100
  min_accuracy: 0.5
targets:
  - provider: local
    price_usd_per_hour: 0.1
"""
JSONL = "{kind: jsonl, held_out: data/held_out.jsonl, training: ../training.jsonl}"


def _spec(folder: Path, text: str) -> Path:
    path = folder / "stratos.yaml"
    path.write_text(text)
    return path


def _lines(path: Path) -> list[str]:
    """What is told of the spec, without the file's name; each line begins with the line's number."""
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


# what is written in the good spec's place of what, and the one line that tells of it
BROKEN = [
    ("name: good", "name: My Student", "1: name: 'My Student' is wrong; it must be 1 to 63 lower-case letters,"),
    ("name: good", "name: 12", "1: name: 12 is wrong; it must be 1 to 63 lower-case letters"),
    ("name: good", "name: !!python/name:os.system x", "1: name: has the tag !!python/name:os.system; remove the tag"),
    ("name: good\n", "name: good\nteacherz: []\n", "2: teacherz: is not a key that Stratos knows; did you mean teach"),
    ("kind: mahjong", "kind: majhong", "2: task.kind: 'majhong' is wrong; did you mean mahjong? it must be one of"),
    (
        "{kind: mahjong}",
        "&a\n  kind: mahjong\n  <<: *a",
        "4: task: << does not name another mapping; name one by its alias",
    ),
    ("{kind: mahjong}", "{seed: 1}", "2: task.kind: is missing; add one of jsonl, mahjong"),
    ("{kind: mahjong}", "mahjong", "2: task: 'mahjong' is wrong; it must be a mapping with kind (one of jsonl, mahj"),
    ("{kind: mahjong}", "", "2: task: nothing is wrong; it must be a mapping with kind"),
    ("{kind: mahjong}", "{kind: mahjong, held_out: x}", "2: task.held_out: is not a key that Stratos knows; it may be"),
    ("{kind: mahjong}", "{kind: mahjong, gate_examples: 3}", "2: task.gate_examples: 3 is wrong; it must be a whole"),
    ("{kind: mahjong}", "{kind: jsonl}", "2: task.held_out: is missing; add a path"),
    (
        "{kind: mahjong}",
        "{kind: jsonl, held_out: x, verifier: exactly}",
        "2: task.verifier: 'exactly' is wrong; did you mean exact? it must be one of exact, numeric",
    ),
    (
        "{kind: mahjong}",
        "{kind: jsonl, held_out: x, verifier: [exact]}",
        "2: task.verifier: a list is wrong; did you mean exact? it must be one of exact, numeric, choice, or your own",
    ),
    (
        "{kind: mahjong}",
        "{kind: jsonl, held_out: x, verifier: {a: 1}}",
        "2: task.verifier: a mapping is wrong; it must be one of exact, numeric, choice, or your own module:function",
    ),
    ("    source: org/model\n", "", "4: teachers[0].source: is missing; add text that is not empty"),
    ("source: org/model", "source: 5", "5: teachers[0].source: 5 is wrong; it must be text that is not empty (put it"),
    ("source: org/model", "source: ~nobody-here/m.gguf", "5: teachers[0].source: cannot be a path: "),
    ("source: org/model", r'source: "a\0b"', r"5: teachers[0].source: 'a\x00b' has characters that are no text"),
    (
        "  - name: t\n    source: org/model\n",
        "  - gpt\n",
        "4: teachers[0]: 'gpt' is wrong; it must be a mapping with na",
    ),
    (
        "  - name: s\n",
        "  - name: s\n    source: x\n  - name: s\n",
        "6: students: the name 's' is used twice; give each",
    ),
    ("{layers: 2, hidden: 64, heads: 4}", "small", "8: students[0].shape: 'small' is wrong; it must be a mapping wi"),
    ("layers: 2, ", "layers: 0, ", "8: students[0].shape.layers: 0 is wrong; it must be a whole number from 1 to 128"),
    ("hidden: 64", "hidden: 60", "8: students[0].shape: hidden (60) must be a multiple of twice heads (4)"),
    ("    shape: {layers: 2, hidden: 64, heads: 4}\n", "", "7: students[0]: give either shape (trained from scratch)"),
    ("  budget_usd: 1\n", "", "9: constraints.budget_usd: is missing; add a number above 0"),
    ("budget_usd: 1", "budget_usd: -1", "10: constraints.budget_usd: -1 is wrong; it must be a number above 0"),
    ("budget_usd: 1", "budget_usd: $5", "10: constraints.budget_usd: '$5' is wrong; it must be a number above 0"),
    ("budget_usd: 1", "budget_usd: yes", "10: constraints.budget_usd: true is wrong; it must be a number above 0"),
    ("budget_usd: 1", "budget_usd: .inf", "10: constraints.budget_usd: inf is wrong; it must be a number above 0, and"),
    ("budget_usd: 1", "budget_usd: " + 5000 * "9", "10: constraints.budget_usd: cannot be read as !!int; write it"),
    ("latency_ms: 100\n", "latency_ms: 100\n  latency_ms: 5\n", "12: constraints.latency_ms: is given twice, first on"),
    ("min_accuracy: 0.5", "min_accuracy: 60", "12: constraints.min_accuracy: 60 is wrong; it must be a number from 0"),
    ("  min_acc", "  deadline: soon\n  min_acc", "12: constraints.deadline: 'soon' is wrong; it must be a duration su"),
    (
        "  min_acc",
        "  deadline: 0s\n  min_acc",
        "12: constraints.deadline: '0s' is wrong; it must be a duration such as",
    ),
    ("  min_acc", f"  deadline: {9**30}d\n  min_acc", "12: constraints.deadline: '42391158275216203514294433201d' i"),
    ("  min_acc", "  deadline: .inf\n  min_acc", "12: constraints.deadline: inf is wrong; it must be a duration such"),
    (
        "  min_acc",
        "  load: {rps: 3}\n  min_acc",
        "12: constraints.load.rps: is not a key that Stratos knows; it may be",
    ),
    (
        "provider: local",
        "provider: lcal",
        "14: targets[0].provider: 'lcal' is wrong; did you mean local? it must be one",
    ),
    (
        "    price_usd_per_hour: 0.1\n",
        "",
        "14: targets[0]: give either price_usd_per_hour or electricity, and not both",
    ),
    (
        "    price",
        "  - {provider: aws, region: x}\n  - provider: local\n    price",
        "14: targets[0]: give either price",
    ),
    ("targets:", "weights: {accuracy: -1}\ntargets:", "13: weights.accuracy: -1 is wrong; it must be a number of at l"),
    (
        "targets:",
        "weights: {accuracy: 0, latency: 0, training_time: 0, cost: 0}\ntargets:",
        "13: weights: at least one weight must be above 0",
    ),
    ("budget_usd: 1", "budget_usd: .nan", "10: constraints.budget_usd: nan is wrong; it must be a number above 0, and"),
    (
        "    price_usd_per_hour: 0.1\n",
        "    price_usd_per_hour: 0.1\n    electricity: {watts: 1, usd_per_kwh: 1}\n",
        "14: targets[0]: give either price_usd_per_hour or electricity, and not both",
    ),
    ("  - name: s\n", "  - name: s\n    source: x\n", "7: students[0]: give either shape (trained from scratch) or"),
    (
        "name: good",
        "name: !!python/object/apply:os.system [ls]",
        "1: name: has the tag !!python/object/apply:os.system;",
    ),
    ("targets:\n", "targets: local\nweights:\n", "13: targets: 'local' is wrong; it must be a list of 1 or more, each"),
]


@pytest.mark.parametrize(("before", "after", "told"), BROKEN, ids=[told for *_, told in BROKEN])
def test_a_mistake_is_told_with_its_line_its_key_and_what_would_be_right(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    assert before in GOOD
    path = _spec(tmp_path, GOOD.replace(before, after, 1))
    lines = _lines(path)
    assert lines[0].startswith(told)
    jargon = ("Input should", "a valid", "pydantic", "Traceback", "timedelta", "None", "{", "NoneType", "ctx")
    assert not [word for word in jargon if word in "\n".join(lines)]


def test_every_mistake_is_told_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        "name: A\ntask: {kind: x}\nteachers: []\nstudents: 5\nconstraints: {budget_usd: x}\ntargets: [{provider: z}]\n"
        "name: b\n"
    )
    keys = [line.split(": ")[:2] for line in _lines(_spec(tmp_path, text))]
    assert keys == [
        ["1", "name"],
        ["2", "task.kind"],
        ["3", "teachers"],
        ["4", "students"],
        ["5", "constraints.budget_usd"],
        ["5", "constraints.latency_ms"],
        ["5", "constraints.min_accuracy"],
        ["6", "targets[0].provider"],
        ["7", "name"],
    ]


def test_a_wrong_item_of_a_list_is_not_told_as_an_empty_list_too(tmp_path: Path) -> None:
    assert len(_lines(_spec(tmp_path, GOOD.replace("provider: local", "provider: lcal")))) == 1


HOSTILE = [
    ("", "1: the file is empty"),
    ("# only words\n", "1: the file is empty"),
    ("- a\n", "1: the file has to be a mapping of keys"),
    ("just words\n", "1: the file has to be a mapping of keys"),
    ("name: [a\nfoo: b\n", "2: not valid YAML: "),
    ("name:\n\t- a\n", r"2: not valid YAML: found character '\t'"),
    ("name: a\n---\nname: b\n", "2: not valid YAML: "),
    ("name: *nobody\n", "1: not valid YAML: found undefined alias"),
    ("name: ok\nwhat: \x01\n", "2: not valid YAML: it has the character 0x01"),
    ("name: &a [*a]\n", "1: name[0]: contains itself"),
    ("name: &a {b: *a}\n", "1: name.b: contains itself"),
    ("? [a, b]\n: 1\n", "1: spec: has a key that is not text"),
    ("a: " + 3000 * "[" + 3000 * "]", "1: the file is nested too deeply"),
    (
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "1: the file has more than 20,000 values",
    ),
    (
        "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)),
        "1: the file has more than 20,000 values",
    ),
    ("name: " + 300_000 * "x", " is larger than 262,144 bytes"),
]


@pytest.mark.parametrize(("text", "told"), HOSTILE, ids=[f"{n}-{told}" for n, (_, told) in enumerate(HOSTILE)])
def test_a_file_that_is_no_spec_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    lines = _lines(_spec(tmp_path, text))
    assert len(lines) == 1
    assert lines[0].startswith(told)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "stratos.yaml"
    path.write_bytes(b"name: a\n\xff\xfe\x00")
    assert _lines(path) == ["2: is not UTF-8 text"]


def test_what_is_no_file_is_refused_with_a_way_on(tmp_path: Path) -> None:
    assert _lines(tmp_path) == [" cannot be read: Is a directory"]
    missing = tmp_path / "nowhere.yaml"
    with pytest.raises(SpecError, match="there is no such file") as caught:
        load_spec(missing)
    assert "stratos init" in caught.value.hint
    with pytest.raises(SpecError, match="cannot be the name of a file"):
        load_spec(Path("a\0b"))


def test_a_key_that_would_steer_the_terminal_is_shown_harmlessly(tmp_path: Path) -> None:
    (line,) = _lines(_spec(tmp_path, GOOD + '"a\\e[31m\\nb": 1\n'))
    assert line.startswith(r"16: 'a\x1b[31m\nb': is not a key")


def test_relative_paths_are_the_spec_folders(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    (folder / "models" / "near").mkdir(parents=True)
    text = GOOD.replace("{kind: mahjong}", JSONL).replace("source: org/model", "source: ./models/far")
    text = text.replace(
        "students:\n",
        "  - {name: gguf, source: m.gguf}\n  - {name: near, source: models/near}\n  - {name: hub, source: org/name}\n"
        "  - {name: package, source: 'package:wheel/m.gguf'}\n  - {name: run, source: 'run:a'}\n"
        "  - {name: long, source: " + 400 * "x" + "}\nstudents:\n",
    )
    spec = load_spec(_spec(folder, text))
    assert isinstance(spec.task, JsonlTask)
    real = folder.resolve()
    assert spec.task.held_out == real / "data" / "held_out.jsonl"
    assert spec.task.training == real.parent / "training.jsonl"
    assert [teacher.source for teacher in spec.teachers] == [
        str(real / "models" / "far"),
        str(real / "m.gguf"),
        str(real / "models" / "near"),
        "org/name",
        "package:wheel/m.gguf",
        "run:a",
        400 * "x",
    ]


def test_the_home_folder_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    spec = load_spec(_spec(tmp_path, GOOD.replace("source: org/model", "source: ~/models/m")))
    assert spec.teachers[0].source == str(tmp_path.resolve() / "models" / "m")


def test_the_same_spec_is_the_same_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _spec(tmp_path, GOOD.replace("{kind: mahjong}", JSONL))
    from_above = load_spec(path)
    monkeypatch.chdir(tmp_path)
    assert load_spec(Path("stratos.yaml")) == from_above


def test_yaml_that_people_write_is_understood(tmp_path: Path) -> None:
    text = GOOD.replace("name: good", "name: 2026-01-02").replace("{kind: mahjong}", "&task\n  kind: mahjong")
    text = text.replace("shape: {", "shape: &small {").replace(
        "constraints:\n",
        "  - name: larger\n    shape: {<<: *small, layers: 4}\nconstraints:\n  deadline: 90\n  hosting_horizon: 1.5h\n",
    )
    path = _spec(tmp_path, "")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    spec = load_spec(path)
    assert spec.name == "2026-01-02"
    assert [(s.shape.layers, s.shape.hidden) for s in spec.students if s.shape] == [(2, 64), (4, 64)]
    assert spec.constraints.deadline == timedelta(seconds=90)
    assert spec.constraints.hosting_horizon == timedelta(minutes=90)
