"""No held-out example, nor what is nearly one, gets past the filter; everything else does, once."""

from __future__ import annotations

import json
import random
from pathlib import Path

from stratos.spec.model import JsonlTask, MahjongTask
from stratos.tasks import Example, HeldOut
from stratos.tasks.jsonl import Jsonl
from stratos.tasks.leakage import HeldOutFilter
from stratos.tasks.mahjong import Mahjong

STORY = (
    "A baker in the old town sells bread and rolls from early morning until noon, and on a day in spring she "
    "counted 48 customers of whom half bought bread; how many customers bought bread from her on that day?"
)


def jsonl_filter(folder: Path, *prompts: str) -> HeldOutFilter:
    file = folder / "held_out.jsonl"
    file.write_text("".join(json.dumps({"prompt": prompt, "answer": "1"}) + "\n" for prompt in (*prompts, "z", "zz")))
    task = Jsonl(JsonlTask(kind="jsonl", held_out=file))
    return HeldOutFilter(task, task.held_out())


def test_mahjong_hands_are_told_apart() -> None:
    task = Mahjong(MahjongTask(kind="mahjong"))
    held = Example("123m456p789s1122z", "12z")
    asked = HeldOutFilter(task, HeldOut(validation=(), gate=(held,)))
    assert asked.check(held) == "exact"
    assert asked.check(Example("789m456p123s1122z", "12z")) == "near"
    assert asked.check(Example("123m456p789s1133z", "13z")) == "new"
    assert asked.check(Example("123m456p789s1133z", "13z")) == "repeat"


def test_no_synthesised_hand_that_gets_through_is_held_out() -> None:
    task = Mahjong(MahjongTask(kind="mahjong"))
    held_out, rng = task.held_out(), random.Random(5)
    asked = HeldOutFilter(task, held_out)
    assert {asked.check(example) for example in (*held_out.validation, *held_out.gate)} == {"exact"}
    forms = {task.canonical(example.prompt) for example in (*held_out.validation, *held_out.gate)}
    drawn = [task.synthesise(rng) for _ in range(20_000)]
    through = [example for example in drawn if asked.check(example) == "new"]
    assert len(through) > 19_500
    assert len({example.prompt for example in through}) == len(through)
    assert not forms & {task.canonical(example.prompt) for example in through}
    orphans = {
        example.prompt for example in through if example.prompt.startswith(("19m19p19s", "1199m", "119m", "199m"))
    }
    assert len(orphans) > 20


def test_sums_with_other_numbers_or_operators_are_new(tmp_path: Path) -> None:
    asked = jsonl_filter(tmp_path, "12+13")
    assert asked.check(Example("12+13", "25")) == "exact"
    assert asked.check(Example(" 12 + 13", "25")) == "near"
    assert asked.check(Example("12+14", "26")) == "new"
    assert asked.check(Example("12-13", "-1")) == "new"
    assert asked.check(Example("12-13", "-1")) == "repeat"


def test_prose_that_is_nearly_held_out_is_near(tmp_path: Path) -> None:
    asked = jsonl_filter(tmp_path, STORY)
    assert asked.check(Example(STORY.upper(), "24")) == "near"
    assert asked.check(Example("Please tell me: " + STORY, "24")) == "near"
    assert asked.check(Example(STORY.removesuffix(" on that day?"), "24")) == "near"
    assert asked.check(Example(STORY.replace("48", "50"), "25")) == "new"
    assert asked.check(Example("A baker in the old town sells bread; what is the name of the town?", "x")) == "new"


def test_a_templates_wording_makes_no_near_duplicates(tmp_path: Path) -> None:
    template = "Read the following riddle with care and answer it in exactly one word and nothing else, riddle about {}"
    held = [template.format(word) for word in ("apples", "boats", "cats", "dogs", "eggs")]
    asked = jsonl_filter(tmp_path, *held)
    assert asked.check(Example(held[2], "1")) == "exact"
    assert asked.check(Example(held[2] + "!", "1")) == "near"
    assert asked.check(Example(template.format("foxes"), "1")) == "new"


def test_near_duplicates_are_found_among_thousands(tmp_path: Path) -> None:
    rng = random.Random(8)
    words = [f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(600)]
    stories = [" ".join(rng.choices(words, k=60)) for _ in range(2000)]
    asked = jsonl_filter(tmp_path, *stories)
    for story in stories[:200]:
        changed = story.split(" ")
        changed[30] = "other"
        assert asked.check(Example(" ".join(changed), "1")) == "near"
    assert asked.check(Example(" ".join(rng.choices(words, k=60)), "1")) == "new"
