"""Muon: momentum made orthogonal. Matrices of one shape are done together, in fp32 where there is no GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """Momentum with Nesterov's look ahead, its singular values brought near 1, and decoupled weight decay.

    Keller Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024). It moves as
    `torch.optim.Muon` does with the same settings, which works matrix by matrix and in bf16: on a CPU most of its time
    goes into starting some thousand small products a step, and bf16 is emulated on many.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.1
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update. Gradients [rows, columns] that are None leave their matrix as it is."""
        assert closure is None
        for group in self.param_groups:
            alike: dict[tuple[torch.Size, torch.device], list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault((parameter.shape, parameter.device), []).append(parameter)
            for parameters in alike.values():
                self._move(parameters, group)

    def _move(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        """Updates matrices of one shape."""
        rows, columns = parameters[0].shape
        update = orthogonal(torch.stack([self._look_ahead(parameter, group["momentum"]) for parameter in parameters]))
        rate = group["lr"] * max(1.0, rows / columns) ** 0.5
        for parameter, direction in zip(parameters, update, strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(direction, alpha=-rate)

    def _look_ahead(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        assert parameter.grad is not None
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter.grad)
        buffer: Tensor = state["momentum_buffer"]
        buffer.lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(buffer, momentum)


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrices, roughly, to [count, rows, columns]: singular values between about 0.7 and 1.2.

    Five steps of a Newton-Schulz iteration whose polynomial rises steeply at 0; what begins below some hundredths of
    the norm ends lower.
    """
    count, rows, columns = matrices.shape
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    x = x.mT if rows > columns else x
    x = x / x.flatten(1).norm(dim=1).clamp(min=_TINY)[:, None, None]
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    assert x.shape == (count, min(rows, columns), max(rows, columns))
    return (x.mT if rows > columns else x).to(matrices.dtype)
