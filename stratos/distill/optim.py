"""The optimisers: Muon on the hidden matrices with AdamW on the rest, or AdamW alone; and their learning rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stratos.distill.muon import Muon
from stratos.spec.model import Training

WARM_UP_STEPS = 20
MUON_RATE = 0.02
MUON_ADAMW_RATE = 3e-3
SCRATCH_ADAMW_RATE = 2e-3
PRETRAINED_MUON_RATE = 1e-3
PRETRAINED_MUON_ADAMW_RATE = 2e-5
PRETRAINED_ADAMW_RATE = 2e-5

_BETAS = (0.9, 0.95)


class Optimizer:
    """One or two optimisers of torch as one, with a learning rate that is a share of each one's peak."""

    def __init__(self, model: PreTrainedModel, training: Training, *, pretrained: bool) -> None:
        self._names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
        hidden, others = _split(model) if training.optimizer == "muon" else ([], list(model.parameters()))
        muon_rate, adamw_rate = _peaks(training, pretrained)
        self._parts: list[torch.optim.Optimizer] = []
        if hidden:
            self._parts.append(Muon(hidden, lr=muon_rate))
        if others:
            self._parts.append(torch.optim.AdamW(others, lr=adamw_rate, betas=_BETAS, weight_decay=0.01))
        self._peaks = [float(part.param_groups[0]["lr"]) for part in self._parts]

    def step(self, share_of_peak: float) -> None:
        """One update at this share of the peak learning rates; the gradients are gone afterwards."""
        for part, peak in zip(self._parts, self._peaks, strict=True):
            part.param_groups[0]["lr"] = peak * share_of_peak
            part.step()
            part.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, by `parameter/key`."""
        return {
            f"{self._names[parameter]}/{key}": value
            for part in self._parts
            for parameter, kept in part.state.items()
            for key, value in kept.items()
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Takes up a state that `state` gave, for the same model and training."""
        owners = {
            self._names[parameter]: (part, parameter)
            for part in self._parts
            for group in part.param_groups
            for parameter in group["params"]
        }
        for path, value in state.items():
            name, _, key = path.rpartition("/")
            part, parameter = owners[name]
            part.state[parameter][key] = value.clone() if value.ndim == 0 else value.to(parameter.device, copy=True)


def share_of_peak(step: int, total: int | None) -> float:
    """Learning rate of a step (from 0) as a share of its peak: a linear rise, then linear decay to 0 at `total`.

    The rise lasts 20 steps, or a fifth of a shorter training. `total` may be unknown (None) while the rate rises.
    """
    if total is None:
        assert step < WARM_UP_STEPS
        return (step + 1) / WARM_UP_STEPS
    rise = min(WARM_UP_STEPS, max(1, total // 5))
    return min((step + 1) / rise, (total - step) / max(1, total - rise), 1.0)


def _peaks(training: Training, pretrained: bool) -> tuple[float, float]:
    """Peak rates of Muon and of AdamW. A rate that the user gives is that of the optimiser that the user names."""
    given = training.learning_rate
    if training.optimizer == "adamw":
        return 0.0, given or (PRETRAINED_ADAMW_RATE if pretrained else SCRATCH_ADAMW_RATE)
    muon, adamw = (PRETRAINED_MUON_RATE, PRETRAINED_MUON_ADAMW_RATE) if pretrained else (MUON_RATE, MUON_ADAMW_RATE)
    return (given, adamw * given / muon) if given else (muon, adamw)


def _split(model: PreTrainedModel) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Hidden matrices, and the rest: embeddings, heads, norms and biases."""
    outer = {id(parameter) for parameter in _outer_parameters(model)}
    hidden: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in model.parameters():
        (hidden if parameter.ndim == 2 and id(parameter) not in outer else others).append(parameter)
    return hidden, others


def _outer_parameters(model: PreTrainedModel) -> Iterator[nn.Parameter]:
    """What turns tokens into vectors and back."""
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            yield from module.parameters()
    if isinstance(head := model.get_output_embeddings(), nn.Module):
        yield from head.parameters()
