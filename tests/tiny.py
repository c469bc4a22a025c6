"""Tiny models for tests: random weights, two layers, a tokenizer trained on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stratos.models.student import new_student, save_model
from stratos.models.tokenizer import train_tokenizer
from stratos.spec.model import StudentShape

TINY_SHAPE = StudentShape(layers=2, hidden=32, heads=4, kv_heads=2, context=256)


def tiny_teacher(
    tmp_path: Path, texts: Sequence[str] = (), *, shape: StudentShape = TINY_SHAPE, seed: int = 0, scale: float = 8.0
) -> Path:
    """A folder with a random model. Its weights are scaled up, so that what it says depends on what it is asked."""
    tokenizer = train_tokenizer(texts, shape.vocab_size)
    model = new_student(shape, tokenizer, seed)
    for name, parameter in model.named_parameters():
        if "norm" not in name:
            parameter.data *= scale
    folder = tmp_path / f"tiny-{seed}"
    save_model(model, tokenizer, folder)
    return folder
