"""The JSONL task: what a file may hold, how it is split, and the user's own functions."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from stratos.errors import SpecError, StratosError
from stratos.spec.model import JsonlTask
from stratos.tasks import Example, load_task
from stratos.tasks.jsonl import Jsonl

EXAMPLE = Path(__file__).parents[2] / "examples" / "jsonl"


def write(folder: Path, *records: object, name: str = "held_out.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


def sums(count: int) -> list[dict[str, Any]]:
    return [{"prompt": f"{n}+{n}=", "answer": 2 * n} for n in range(count)]


def task(held_out: Path, **more: Any) -> Jsonl:
    return Jsonl(JsonlTask(kind="jsonl", held_out=held_out, **more))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"prompt": "a", "answer": "b"}\n{"prompt": "a", ', r"held_out\.jsonl:2: not JSON at column"),
        (b'{"prompt": "a"}', r":1: the key 'answer' is missing"),
        (b'\n\n{"answer": "a"}', r":3: the key 'prompt' is missing"),
        (b'{"prompt": 3, "answer": "b"}', r":1: prompt is 3; it must be text"),
        (b'{"prompt": "a", "answer": true}', r":1: answer is True; it must be text or a number"),
        (b'{"prompt": "a", "answer": null}', r":1: answer is None"),
        (b'{"prompt": "a", "answer": ["b"]}', r":1: answer is \['b'\]"),
        (b'{"prompt": "a", "answer": NaN}', r":1: not JSON that can be read: NaN"),
        (b'{"prompt": "a", "answer": "b", "slice": 4}', r":1: slice is 4; it must be text"),
        (b'{"prompt": " ", "answer": "b"}', r":1: prompt is empty"),
        (b'{"prompt": "a", "answer": ""}', r":1: answer is empty"),
        (b'{"prompt": "\\ud800", "answer": "b"}', r":1: prompt holds half of a surrogate pair"),
        (b'["a", "b"]', r":1: a JSON list, not an object"),
        (b'{"prompt": "a", "answer": "b"}\n{"prompt": "\xff"}', r":2: byte 13 is not UTF-8"),
        (b"[" * 100_000, r":1: not JSON that can be read"),
        (b"", r"holds no examples"),
        (b"\n \n", r"holds no examples"),
        (b'{"prompt": "a", "answer": "b"}', r"at least 2 are needed"),
        (b'{"prompt": "a", "answer": "b"}\n{"prompt": "A.", "answer": "b"}', r"at least 2 are needed"),
    ],
)
def test_a_bad_file_is_told_with_its_line(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "held_out.jsonl"
    file.write_bytes(content)
    with pytest.raises(SpecError, match=told) as caught:
        task(file)
    assert caught.value.hint


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read: No such file"):
        task(tmp_path / "none.jsonl")
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        task(write(tmp_path, *sums(4)), training=tmp_path)


@pytest.mark.parametrize(("verifier", "wanted"), [("numeric", "a number"), ("choice", "a letter from A to J")])
def test_an_answer_that_the_verifier_cannot_read_is_told(tmp_path: Path, verifier: str, wanted: str) -> None:
    file = write(
        tmp_path, {"prompt": "a", "answer": "B" if verifier == "choice" else "1"}, {"prompt": "b", "answer": "no"}
    )
    with pytest.raises(SpecError, match=rf":2: the answer 'no' is not {wanted}"):
        task(file, verifier=verifier)


def test_lines_become_examples(tmp_path: Path) -> None:
    file = tmp_path / "held_out.jsonl"
    lines = ['{"prompt": "a\u2028b", "answer": 4.5, "id": 1}', "", '{"prompt": "b", "answer": 7, "slice": "sums"}']
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    held_out = task(file).held_out()
    assert {*held_out.validation, *held_out.gate} == {Example("a\u2028b", "4.5"), Example("b", "7", "sums")}


def test_the_split_does_not_depend_on_the_order_of_the_lines(tmp_path: Path) -> None:
    records = sums(40)
    one = task(write(tmp_path, *records), validation_fraction=0.25).held_out()
    two = task(write(tmp_path, *reversed(records), records[3]), validation_fraction=0.25).held_out()
    assert one == two
    assert (len(one.validation), len(one.gate)) == (10, 30)
    assert not {e.prompt for e in one.validation} & {e.prompt for e in one.gate}


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_neither_part_of_the_split_is_empty(tmp_path: Path, fraction: float) -> None:
    held_out = task(write(tmp_path, *sums(2)), validation_fraction=fraction).held_out()
    assert (len(held_out.validation), len(held_out.gate)) == (1, 1)


def test_near_duplicates_are_on_one_side_of_the_split(tmp_path: Path) -> None:
    records = [{"prompt": text, "answer": "x"} for n in range(20) for text in (f"Name {n}?", f"name  {n}")]
    held_out = task(write(tmp_path, *records), validation_fraction=0.5).held_out()
    forms = [
        {e.prompt.casefold().replace("  ", " ").strip("?") for e in part}
        for part in (held_out.validation, held_out.gate)
    ]
    assert not forms[0] & forms[1]
    assert len(held_out.validation) + len(held_out.gate) == 40


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2+2?", "what is  2 + 2"),
        ("“Quoted” don’t", '"quoted" don\'t'),
        ("Hello, world!", "hello world"),
        ("cafe\u0301", "caf\u00e9"),
    ],
)
def test_prompts_that_differ_in_dress_only_are_near_duplicates(tmp_path: Path, one: str, other: str) -> None:
    made = task(write(tmp_path, *sums(2)))
    assert made.canonical(one) == made.canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12+13", "12+14"),
        ("12+13", "12-13"),
        ("12*13", "12/13"),
        ("3<4", "3>4"),
        ("10%", "10"),
        ("(2+3)*4", "2+3*4"),
        ("1.5", "15"),
        (".5", "5"),
        ("5!", "5"),
        ("कि", "का"),
        ("([)]", "([])"),
        ("?!", "?."),
    ],
)
def test_prompts_that_ask_different_things_are_not(tmp_path: Path, one: str, other: str) -> None:
    made = task(write(tmp_path, *sums(2)))
    assert made.canonical(one) != made.canonical(other)


def test_instructions_come_before_the_prompt(tmp_path: Path) -> None:
    file = write(tmp_path, *sums(2))
    assert task(file).teacher_prompt("1+1=") == "1+1="
    assert task(file, instructions="Add.\n").teacher_prompt("1+1=") == "Add.\n\n1+1="


def test_without_a_synthesiser_there_is_nothing_to_synthesise(tmp_path: Path) -> None:
    made = task(write(tmp_path, *sums(2)))
    assert not made.can_synthesise
    assert made.training() == ()
    with pytest.raises(SpecError, match="no synthesiser"):
        made.synthesise(random.Random(0))


def test_the_shipped_example_works() -> None:
    made = load_task(
        JsonlTask(
            kind="jsonl",
            held_out=EXAMPLE / "held_out.jsonl",
            training=EXAMPLE / "training.jsonl",
            verifier="synth:check",
            synthesiser="synth:synthesise",
        )
    )
    held_out, rng = made.held_out(), random.Random(3)
    assert (len(held_out.validation), len(held_out.gate), len(made.training())) == (30, 90, 200)
    assert all(made.verify(example, example.answer) for example in (*held_out.gate, *made.training()))
    assert {made.synthesise(rng).slice for _ in range(100)} == {"length", "mass", "time"}
    example = Example("Convert 2 km to m.", "2000 m", "length")
    assert made.verify(example, " 2000.0m ")
    assert not any(made.verify(example, wrong) for wrong in ("2000", "2000 km", "", "It is 2000 m", "2001 m"))


def module(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)


def test_modules_of_one_name_in_two_folders_do_not_clash(tmp_path: Path) -> None:
    verdicts = []
    for folder, verdict in ((tmp_path / "a", True), (tmp_path / "b", False)):
        folder.mkdir()
        module(folder, "judge", f"def check(prompt, answer, completion):\n    return {verdict}\n")
        made = task(write(folder, *sums(2)), verifier="judge:check")
        verdicts.append(made.verify(Example("a", "b"), "c"))
    assert verdicts == [True, False]


def test_a_module_may_lie_in_the_current_directory_or_in_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    package = tmp_path / "stratos_test_package"
    package.mkdir()
    module(tmp_path, "here", "def check(prompt, answer, completion):\n    return completion == 'here'\n")
    module(package, "__init__", "")
    module(package, "deep", "from stratos_test_package import __name__ as n\ndef check(p, a, c):\n    return c == n\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    file = write(tmp_path / "data", *sums(2))
    assert task(file, verifier="here:check").verify(Example("a", "b"), "here")
    assert task(file, verifier="stratos_test_package.deep:check").verify(Example("a", "b"), "stratos_test_package")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere_to_be_found", "importing 'judge' raised ModuleNotFoundError"),
        ("def check(", "importing 'judge' raised SyntaxError"),
        ("raise SystemExit(3)", "importing 'judge' raised SystemExit: 3"),
        ("check = 4", "has no function 'check'"),
        ("", "has no function 'check'"),
    ],
)
def test_a_function_that_cannot_be_had_is_told(tmp_path: Path, text: str, told: str) -> None:
    module(tmp_path, "judge", text)
    with pytest.raises(SpecError, match=told) as caught:
        task(write(tmp_path, *sums(2)), verifier="judge:check")
    assert caught.value.hint


@pytest.mark.parametrize("name", ["no_such_judge", "no_such_package.judge"])
def test_a_module_that_is_nowhere_is_told_with_where_it_was_sought(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match=f"there is no module '{name}' in {tmp_path}") as caught:
        task(write(tmp_path, *sums(2)), verifier=f"{name}:check")
    assert "beside the held_out file" in caught.value.hint


def test_a_verifier_that_stumbles_over_a_completion_finds_it_wrong(tmp_path: Path) -> None:
    module(tmp_path, "judge", "def check(prompt, answer, completion):\n    return int(completion) == int(answer)\n")
    made = task(write(tmp_path, *sums(2)), verifier="judge:check")
    assert made.verify(Example("a", "4"), "04")
    assert not made.verify(Example("a", "4"), "four")


@pytest.mark.parametrize(
    ("body", "told"),
    [("1 / 0", "raised ZeroDivisionError: division by zero"), ("0.5", "returned 0.5"), ("None", "returned None")],
)
def test_a_broken_verifier_is_named_with_its_input(tmp_path: Path, body: str, told: str) -> None:
    module(tmp_path, "judge", f"def check(prompt, answer, completion):\n    return {body}\n")
    made = task(write(tmp_path, *sums(2)), verifier="judge:check")
    with pytest.raises(StratosError, match=rf"verifier judge:check {told}.* for prompt 'a', answer '4'"):
        made.verify(Example("a", "4"), "5")


@pytest.mark.parametrize("body", ['"a", "7"', '"a", 7, "s"', '{"prompt": "a", "answer": "7"}'])
def test_a_synthesiser_gives_a_dict_or_a_tuple(tmp_path: Path, body: str) -> None:
    module(tmp_path, "maker", f"def make(rng):\n    return {body}\n")
    made = task(write(tmp_path, *sums(2)), synthesiser="maker:make", verifier="numeric")
    assert made.can_synthesise
    assert made.synthesise(random.Random(0)).answer == "7"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("rng.nothing()", "synthesiser maker:make raised AttributeError"),
        ("4", "synthesiser maker:make: 4 is no dict"),
        ('{"prompt": "a"}', "synthesiser maker:make: the key 'answer' is missing"),
        ('"a", ""', "synthesiser maker:make: answer is empty"),
        ('"a", "b"', "the numeric verifier rejects its answer 'b'"),
    ],
)
def test_a_broken_synthesiser_is_named(tmp_path: Path, body: str, told: str) -> None:
    module(tmp_path, "maker", f"def make(rng):\n    return {body}\n")
    made = task(write(tmp_path, *sums(2)), synthesiser="maker:make", verifier="numeric")
    with pytest.raises(StratosError, match=told):
        made.synthesise(random.Random(0))
