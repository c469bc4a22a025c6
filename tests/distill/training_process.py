"""A training in a process of its own, for the tests that kill it: prints each step, and saves what it ends in."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny import TINY_SHAPE

from stratos.distill.checkpoint import TrainState
from stratos.distill.encode import encode
from stratos.distill.teacher_cache import Record
from stratos.distill.train import Limits, train
from stratos.models.student import new_student
from stratos.models.teacher import sparse
from stratos.models.text import encode_answer
from stratos.models.tokenizer import train_tokenizer
from stratos.spec.model import Training

STEPS = 40


def records(count: int) -> list[Record]:
    """Sums to be learnt from their answers, and every third from a distribution."""
    tokenizer = train_tokenizer((), 320)
    made = []
    for number in range(count):
        a, b = divmod(number * 7919 % 10_000, 100)
        answer = str(a + b)
        torch.manual_seed(number)
        held = sparse(torch.randn(len(encode_answer(tokenizer, answer)), 260), 8) if number % 3 == 0 else None
        made.append(Record(f"{a}+{b}=", answer, "all", "injection" if held is None else "alignment", held))
    return made


def main(checkpoints: Path) -> None:
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    tokenizer = train_tokenizer((), 320)
    model = new_student(TINY_SHAPE, tokenizer, 0)
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.1
    training = Training(steps=STEPS, batch_size=24, seed=5)
    train(
        model,
        encode(records(300), tokenizer, 64, 260),
        training,
        pretrained=False,
        checkpoints=checkpoints,
        limits=Limits(),
        checkpoint_every_s=0.0,
        on_step=_print_step,
    )
    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    save_file(weights, checkpoints.parent / f"{checkpoints.name}.safetensors")


def _print_step(state: TrainState, _tokens_per_second: float, _seconds_left: float) -> None:
    sys.stdout.write(f"{state.step}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
