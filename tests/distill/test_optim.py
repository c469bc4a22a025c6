"""Each parameter has the optimiser that suits it, rates rise and fall, and a saved state is the same state."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import TINY_SHAPE

from stratos.distill.optim import WARM_UP_STEPS, Optimizer, share_of_peak
from stratos.models.student import load_model, new_student, save_model
from stratos.models.tokenizer import train_tokenizer
from stratos.spec.model import Training

TOKENIZER = train_tokenizer((), 320)


def _learn(model: torch.nn.Module, optimizer: Optimizer, steps: int) -> None:
    for step in range(steps):
        ids = torch.arange(step, step + 24).view(2, 12)
        torch.autograd.backward(model(input_ids=ids, labels=ids).loss)
        optimizer.step(0.5)


def test_muon_takes_the_hidden_matrices_and_adamw_the_rest() -> None:
    model = new_student(TINY_SHAPE, TOKENIZER, 0)
    optimizer = Optimizer(model, Training(), pretrained=False)
    _learn(model, optimizer, 1)
    state = optimizer.state()
    matrices = {path.rpartition("/")[0] for path in state if path.endswith("momentum_buffer")}
    others = {path.rpartition("/")[0] for path in state if path.endswith("exp_avg")}
    assert matrices == {name for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name}
    assert others == {name for name, _ in model.named_parameters()} - matrices
    assert "model.embed_tokens.weight" in others


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_a_loaded_state_goes_on_as_if_nothing_had_been(name: str, tmp_path: Path) -> None:
    training = Training.model_validate({"optimizer": name})
    model = new_student(TINY_SHAPE, TOKENIZER, 0)
    optimizer = Optimizer(model, training, pretrained=False)
    _learn(model, optimizer, 3)
    save_model(model, TOKENIZER, tmp_path)
    state = {path: value.clone() for path, value in optimizer.state().items()}
    _learn(model, optimizer, 2)

    again, _ = load_model(str(tmp_path))
    resumed = Optimizer(again, training, pretrained=False)
    resumed.load(state)
    _learn(again, resumed, 2)
    for (path, wanted), (other, found) in zip(
        sorted(model.named_parameters()), sorted(again.named_parameters()), strict=True
    ):
        assert path == other
        assert torch.equal(wanted, found), path


def test_pretrained_students_are_moved_gently() -> None:
    moved = []
    for pretrained in (False, True):
        model = new_student(TINY_SHAPE, TOKENIZER, 0)
        before = [parameter.detach().clone() for parameter in model.parameters()]
        _learn(model, Optimizer(model, Training(optimizer="adamw"), pretrained=pretrained), 1)
        pairs = zip(before, model.parameters(), strict=True)
        moved.append(max((old - new).abs().max().item() for old, new in pairs))
    assert moved[1] < moved[0] / 20


def test_the_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    shares = [share_of_peak(step, 200) for step in range(200)]
    assert max(shares) == 1.0
    assert shares[:WARM_UP_STEPS] == sorted(shares[:WARM_UP_STEPS])
    assert shares[WARM_UP_STEPS:] == sorted(shares[WARM_UP_STEPS:], reverse=True)
    assert 0 < shares[-1] < 0.01
    assert all(0 < share_of_peak(step, total) <= 1 for total in (1, 2, 3, 9) for step in range(total))


def test_while_it_rises_the_rate_does_not_depend_on_the_number_of_steps() -> None:
    assert [share_of_peak(step, None) for step in range(WARM_UP_STEPS)] == [
        share_of_peak(step, 5000) for step in range(WARM_UP_STEPS)
    ]
