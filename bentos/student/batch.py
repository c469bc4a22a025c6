"""Answers that advance together: one pass of the model gives the next token's scores for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import DynamicLayer

if TYPE_CHECKING:
    from .engine import Generation


class Batch:
    """Answers in the making with their keys and values, padded on the left to a common length.

    `mask` [rows, length] is 1 where a row's own text is. Each layer's keys and values: [rows, heads, length, width].
    """

    def __init__(self, generation: Generation, cache: Any, length: int, device: str) -> None:
        self.rows = [generation]
        self._cache = cache
        self._mask = torch.ones(1, length, dtype=torch.long, device=device)

    @property
    def joinable(self) -> bool:
        """Whether the model keeps plain keys and values of all positions, which can be padded."""
        return all(type(layer) is DynamicLayer for layer in self._cache.layers)

    def absorb(self, other: Batch) -> None:
        """Takes over the rows of another batch; both must be joinable."""
        length = max(self._mask.shape[1], other._mask.shape[1])
        for mine, theirs in zip(self._cache.layers, other._cache.layers, strict=True):
            mine.keys = torch.cat([_longer(mine.keys, length), _longer(theirs.keys, length)])
            mine.values = torch.cat([_longer(mine.values, length), _longer(theirs.values, length)])
        masks = [pad(mask, (length - mask.shape[1], 0)) for mask in (self._mask, other._mask)]
        self._mask = torch.cat(masks)
        self.rows += other.rows

    def keep(self, wanted: Sequence[bool]) -> None:
        """Drops the rows that are not wanted, and the padding that no row needs any more."""
        if all(wanted):
            return
        self.rows = [row for row, stays in zip(self.rows, wanted, strict=True) if stays]
        if not self.rows:
            return
        kept = torch.tensor([index for index, stays in enumerate(wanted) if stays], device=self._mask.device)
        mask = self._mask[kept]
        start = int(mask.any(0).int().argmax())
        self._mask = mask[:, start:]
        for layer in self._cache.layers:
            layer.keys, layer.values = layer.keys[kept, :, start:], layer.values[kept, :, start:]

    def forward(self, model: Any) -> Tensor:
        """Reads each row's last token. Scores of the next: [rows, vocabulary], float32 on the CPU."""
        ids = torch.tensor([[row.last] for row in self.rows], device=self._mask.device)
        self._mask = pad(self._mask, (0, 1), value=1)
        output = model(input_ids=ids, past_key_values=self._cache, use_cache=True, **self._padding())
        self._cache = output.past_key_values
        logits: Tensor = output.logits[:, -1].float().cpu()
        return logits

    def _padding(self) -> dict[str, Tensor]:
        """Where each row begins; nothing where no row is padded."""
        if bool(self._mask.all()):
            return {}
        return {"attention_mask": self._mask, "position_ids": self._mask.sum(1, keepdim=True) - 1}


def _longer(tensor: Tensor, length: int) -> Tensor:
    return pad(tensor, (0, 0, length - tensor.shape[-2], 0))
