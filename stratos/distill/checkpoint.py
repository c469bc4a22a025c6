"""Checkpoints: weights, optimiser and random state as safetensors, the rest as JSON; whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from stratos.distill.optim import Optimizer
from stratos.errors import IntegrityError
from stratos.job.contract import LossPoint
from stratos.spec.model import Frozen

_STATE, _WEIGHTS, _OPTIMIZER, _RANDOM = "state.json", "weights.safetensors", "optimizer.safetensors", "rng"


class TrainState(Frozen):
    """Where a training stands, beside its tensors."""

    fingerprint: str = Field(description="Of data and settings: what the weights belong to.")
    step: int = Field(0, ge=0, description="Steps that are done; the position in the data as well.")
    loss: float = Field(0.0, description="Of the last step.")
    total: int | None = Field(None, ge=1, description="Steps of the whole training; None until it is decided.")
    trained_s: float = Field(0.0, ge=0, description="Seconds of training, over all restarts.")
    validating_s: float = Field(0.0, ge=0)
    points: tuple[LossPoint, ...] = ()


def save(folder: Path, state: TrainState, model: nn.Module, optimizer: Optimizer) -> None:
    """Writes a checkpoint beside the older ones, then removes those. A whole one of the same step stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"step-{state.step:09}"
    if _whole(target) is not None:
        return
    shutil.rmtree(target, ignore_errors=True)
    temporary = folder / f".{target.name}.{secrets.token_hex(6)}"
    temporary.mkdir()
    weights = {name: parameter.detach().contiguous() for name, parameter in model.named_parameters()}
    save_file(weights, temporary / _WEIGHTS)
    save_file({**optimizer.state(), _RANDOM: torch.random.get_rng_state()}, temporary / _OPTIMIZER)
    sizes = {name: (temporary / name).stat().st_size for name in (_WEIGHTS, _OPTIMIZER)}
    (temporary / _STATE).write_text(json.dumps({"bytes": sizes, "state": state.model_dump(mode="json")}))
    for path in (*temporary.iterdir(), temporary):
        _sync(path)
    os.replace(temporary, target)
    _sync(folder)
    for other in folder.iterdir():
        if other != target:
            shutil.rmtree(other, ignore_errors=True)


def restore(folder: Path, fingerprint: str, model: nn.Module, optimizer: Optimizer) -> TrainState | None:
    """Takes up the newest whole checkpoint; None where there is none.

    Raises IntegrityError where it belongs to other data or settings.
    """
    for path in sorted(folder.glob("step-*"), reverse=True):
        state = _whole(path)
        if state is None:
            continue
        if state.fingerprint != fingerprint:
            raise IntegrityError(
                f"{path} was made from other data or settings than this job's",
                hint="destroy the run and start it anew, or delete its checkpoints folder",
            )
        if _load(path, model, optimizer):
            return state
    return None


def _whole(path: Path) -> TrainState | None:
    try:
        written = json.loads((path / _STATE).read_text())
        state = TrainState.model_validate(written["state"])
        sizes = written["bytes"].items()
        return state if all((path / name).stat().st_size == size for name, size in sizes) else None
    except (OSError, ValueError, KeyError, ValidationError):
        return None


def _load(path: Path, model: nn.Module, optimizer: Optimizer) -> bool:
    try:
        weights, kept = load_file(path / _WEIGHTS), load_file(path / _OPTIMIZER)
    except (OSError, SafetensorError):
        return False
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])
    torch.random.set_rng_state(kept.pop(_RANDOM))
    optimizer.load(kept)
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
