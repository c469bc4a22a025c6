"""The loop learns, decides its steps once, stops at its limits, and refuses what does not belong to it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import TINY_SHAPE
from transformers import (
    AutoModelForCausalLM,
    CohereConfig,
    Gemma2Config,
    GraniteConfig,
    LlamaForCausalLM,
    PretrainedConfig,
)

from stratos.distill.checkpoint import TrainState
from stratos.distill.encode import Encoded, encode
from stratos.distill.evaluate import accuracy, complete
from stratos.distill.teacher_cache import Record
from stratos.distill.train import Limits, Trained, answer_logits, train
from stratos.errors import BudgetError, IntegrityError, StratosError
from stratos.models.student import new_student
from stratos.models.teacher import TeacherModel
from stratos.models.text import encode_answer, encode_prompt
from stratos.models.tokenizer import train_tokenizer
from stratos.spec.model import MahjongTask, Training
from stratos.tasks import load_task
from stratos.tasks.base import Example

TOKENIZER = train_tokenizer((), 320)
LETTERS = "abcdefgh"
QUESTIONS = ["".join(pair) for pair in itertools.product(LETTERS, LETTERS)]


@pytest.fixture(scope="module")
def data() -> Encoded:
    """Which of two letters comes first in the alphabet."""
    return encode([Record(q, min(q), "all", "injection") for q in QUESTIONS], TOKENIZER, 32, 260)


def _student(seed: int = 0) -> LlamaForCausalLM:
    return new_student(TINY_SHAPE, TOKENIZER, seed)


def _train(model: LlamaForCausalLM, data: Encoded, folder: Path, training: Training, **more: object) -> Trained:
    return train(model, data, training, pretrained=False, checkpoints=folder, **{"limits": Limits(), **more})  # type: ignore[arg-type]


def test_a_student_learns_and_answers_by_itself(data: Encoded, tmp_path: Path) -> None:
    model = _student()
    trained = _train(model, data, tmp_path, Training(steps=120, batch_size=32))
    answers = complete(model, TOKENIZER, QUESTIONS, 4)
    assert sum(answer == min(question) for answer, question in zip(answers, QUESTIONS, strict=True)) >= 60
    assert (trained.steps, trained.stopped_early) == (120, "")
    assert trained.points[-1].step == 120
    assert trained.points[-1].loss < trained.points[0].loss / 5


def test_alignment_takes_the_student_to_its_teacher(tmp_path: Path) -> None:
    source = _student(5)
    with torch.no_grad():
        source.model.embed_tokens.weight *= 8
    teacher = TeacherModel(source, TOKENIZER)
    answers = [question[0] for question in QUESTIONS]
    held = teacher.top_k(QUESTIONS, answers, 20)
    records = [Record(q, a, "all", "alignment", d) for q, a, d in zip(QUESTIONS, answers, held, strict=True)]
    encoded = encode(records, TOKENIZER, 32, 260)
    trained = _train(_student(), encoded, tmp_path / "a", Training(steps=150, batch_size=32))
    assert trained.points[-1].loss < trained.points[0].loss / 4
    same = _train(source.train(), encoded, tmp_path / "b", Training(steps=1, batch_size=64))
    assert same.points[0].loss == pytest.approx(0, abs=1e-5)


def test_logits_are_those_of_the_whole_model_at_its_answers(data: Encoded) -> None:
    model = _student().eval()
    batch = data.batch(torch.arange(0, 64, 9).numpy())
    found = answer_logits(model, batch)
    whole = model(input_ids=batch.tokens).logits[batch.rows, batch.columns]
    torch.testing.assert_close(found, whole, atol=1e-5, rtol=1e-4)
    tokens = encode_prompt(TOKENIZER, QUESTIONS[9]) + encode_answer(TOKENIZER, min(QUESTIONS[9]))
    alone = model(input_ids=torch.tensor([tokens])).logits[0, -3:-1]
    torch.testing.assert_close(found[2:4], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Gemma2Config, {"final_logit_softcapping": 0.5, "head_dim": 16, "query_pre_attn_scalar": 16}),
        (GraniteConfig, {"logits_scaling": 3.0}),
        (CohereConfig, {"logit_scale": 0.25}),
    ],
)
def test_logits_are_those_of_architectures_that_change_them_behind_the_head(
    kind: type[PretrainedConfig], more: dict[str, float], data: Encoded
) -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "vocab_size": 260}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "pad_token_id": 0}
    model = AutoModelForCausalLM.from_config(kind(**sizes, **heads, **more)).eval()
    batch = data.batch(np.arange(8))
    whole = model(input_ids=batch.tokens).logits[batch.rows, batch.columns]
    torch.testing.assert_close(answer_logits(model, batch), whole, atol=1e-5, rtol=1e-4)


def test_long_batches_in_several_passes_have_the_same_gradient(data: Encoded, tmp_path: Path) -> None:
    long = encode([Record("x" * 100 + q, q * 70, "all", "injection") for q in QUESTIONS], TOKENIZER, 256, 260)
    assert len(long.passes(np.arange(64))) == 1
    losses = []
    for batch_size in (64, 128):
        both = long if batch_size == 64 else encode(
            [Record("x" * 100 + q, q * 70, "all", "injection") for q in QUESTIONS * 2], TOKENIZER, 256, 260
        )  # fmt: skip
        assert len(both.passes(np.arange(batch_size))) == batch_size // 64
        model = _student()
        _train(model, both, tmp_path / str(batch_size), Training(steps=2, batch_size=batch_size))
        losses.append(model.model.embed_tokens.weight.detach())
    torch.testing.assert_close(losses[0], losses[1], atol=2e-4, rtol=1e-3)


def test_the_number_of_steps_is_decided_once_and_kept(data: Encoded, tmp_path: Path) -> None:
    training = Training(batch_size=16, max_duration=timedelta(seconds=600))
    asked = 0

    def interrupted() -> bool:
        nonlocal asked
        asked += 1
        return asked > 40

    first = _train(_student(), data, tmp_path, training, limits=Limits(interrupted=interrupted))
    assert "asked to stop" in first.stopped_early
    decided = _saved(tmp_path)["total"]
    assert decided > 100

    asked = 30
    _train(_student(), data, tmp_path, training, limits=Limits(interrupted=interrupted))
    assert (_saved(tmp_path)["total"], _saved(tmp_path)["step"]) == (decided, 50)


def test_steps_are_as_many_as_fit(data: Encoded, tmp_path: Path) -> None:
    totals = []
    for name, seconds in (("short", 4.0), ("long", 400.0)):
        seen: list[int | None] = []
        limits = Limits(seconds_left=lambda s=seconds: s, interrupted=lambda seen=seen: len(seen) > 30)  # type: ignore[misc]
        _train(_student(), data, tmp_path / name, Training(batch_size=16), limits=limits, on_step=_totals(seen))
        assert seen[0] is None
        assert seen[-1] is not None
        totals.append(seen[-1])
    assert totals[1] > 5 * totals[0]
    with pytest.raises(StratosError, match="nothing bounds"):
        _train(_student(), data, tmp_path / "none", Training(batch_size=16))


def _totals(seen: list[int | None]) -> Callable[[TrainState, float, float], None]:
    return lambda state, _rate, _left: seen.append(state.total)


def test_it_stops_at_its_limits_and_says_so(data: Encoded, tmp_path: Path) -> None:
    left = iter([9.0] * 12 + [-1.0] * 100)
    limits = Limits(seconds_left=lambda: next(left), what_ends=lambda: "the budget of $1 is spent")
    trained = _train(_student(), data, tmp_path / "budget", Training(steps=500, batch_size=8), limits=limits)
    assert 0 < trained.steps < 500
    assert trained.stopped_early == f"the budget of $1 is spent, after {trained.steps} of 500 steps"
    assert _saved(tmp_path / "budget")["step"] == trained.steps

    over = Limits(seconds_left=lambda: 0.0, what_ends=lambda: "the deadline is reached")
    with pytest.raises(BudgetError, match="no training step"):
        _train(_student(), data, tmp_path / "over", Training(steps=5), limits=over)


def test_a_training_that_diverges_says_what_to_lower(data: Encoded, tmp_path: Path) -> None:
    model = _student()
    with torch.no_grad():
        model.model.norm.weight.fill_(torch.inf)
    with pytest.raises(StratosError, match="diverged") as caught:
        _train(model, data, tmp_path, Training(steps=5, batch_size=8))
    assert "learning_rate" in caught.value.hint
    assert not list(tmp_path.glob("step-*"))


def test_a_finished_training_is_not_trained_again(data: Encoded, tmp_path: Path) -> None:
    training = Training(steps=12, batch_size=16)
    model, other = _student(), _student(9)
    first = _train(model, data, tmp_path, training)
    assert _train(other, data, tmp_path, training) == first
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_checkpoints_are_whole_safe_and_of_this_data(data: Encoded, tmp_path: Path) -> None:
    training = Training(steps=6, batch_size=16)
    _train(_student(), data, tmp_path, training, checkpoint_every_s=0.0)
    (kept,) = tmp_path.iterdir()
    assert kept.name == "step-000000006"
    assert {path.suffix for path in kept.iterdir()} == {".json", ".safetensors"}

    other = encode([Record(q, max(q), "all", "injection") for q in QUESTIONS], TOKENIZER, 32, 260)
    with pytest.raises(IntegrityError, match="other data"):
        _train(_student(), other, tmp_path, training)

    weights = kept / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    steps: list[int] = []
    _train(_student(), data, tmp_path, training, on_step=lambda state, _rate, _left: steps.append(state.step))
    assert steps == [1, 2, 3, 4, 5, 6]


def test_validation_does_not_change_the_weights_and_stays_cheap(data: Encoded, tmp_path: Path) -> None:
    task = load_task(MahjongTask(kind="mahjong", gate_examples=32, validation_examples=32))
    examples = [Example("19m19p19s1234567z", "19m19p19s1234567z"), *task.held_out().validation[:7]]
    training = Training(steps=40, batch_size=16)
    plain, watched = _student(), _student()
    _train(plain, data, tmp_path / "plain", training)
    found = _train(
        watched,
        data,
        tmp_path / "watched",
        training,
        validate=lambda: accuracy(watched, TOKENIZER, task, examples, 1),
    )
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), watched.parameters(), strict=True))
    assert watched.training
    validated = [point for point in found.points if point.validation_accuracy is not None]
    assert 1 <= len(validated) <= 4
    dear = _train(_student(), data, tmp_path / "dear", training, validate=lambda: 1.0, validation_s=1e6)
    assert all(point.validation_accuracy is None for point in dear.points)


def _saved(folder: Path) -> dict[str, int]:
    (kept,) = folder.glob("step-*")
    return dict(json.loads((kept / "state.json").read_text())["state"])
