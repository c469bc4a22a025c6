"""The losses: cross-entropy on answers, and forward KL to a teacher of whom only k tokens and their tail are known."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Targets:
    """What a student should say at n answer tokens, of which m come with a teacher's distribution.

    tokens: int64 [n]; aligned: int64 [m], which of the n; ids: int64 [m, k]; logprobs: float32 [m, k];
    tail_logprob: float32 [m].
    """

    tokens: Tensor
    aligned: Tensor
    ids: Tensor
    logprobs: Tensor
    tail_logprob: Tensor

    def __post_init__(self) -> None:
        m, _ = self.ids.shape
        assert self.tokens.ndim == 1
        assert self.aligned.shape == self.tail_logprob.shape == (m,)
        assert self.logprobs.shape == self.ids.shape

    def to(self, device: torch.device) -> Targets:
        parts = (self.tokens, self.aligned, self.ids, self.logprobs, self.tail_logprob)
        return Targets(*(tensor.to(device) for tensor in parts))


def summed_loss(logits: Tensor, targets: Targets) -> Tensor:
    """Sum over the n answer tokens of logits [n, vocabulary]: KL where the teacher's distribution is known, else CE."""
    if not len(targets.aligned):
        return cross_entropy(logits, targets.tokens).sum()
    told = torch.ones_like(targets.tokens, dtype=torch.bool)
    told[targets.aligned] = False
    divergence = sparse_forward_kl(
        logits[targets.aligned], targets.ids, targets.logprobs, targets.tail_logprob
    )  # fmt: skip
    return divergence.sum() + cross_entropy(logits[told], targets.tokens[told]).sum()


def cross_entropy(logits: Tensor, tokens: Tensor) -> Tensor:
    """[n] from logits [n, vocabulary] and tokens [n], in fp32."""
    n, _ = logits.shape
    assert tokens.shape == (n,)
    return functional.cross_entropy(logits.float(), tokens, reduction="none")


def sparse_forward_kl(logits: Tensor, ids: Tensor, logprobs: Tensor, tail_logprob: Tensor) -> Tensor:
    """KL(teacher ‖ student) [n] with all tokens outside the teacher's k taken as one.

    KL = Σ_k p (log p - log q) + p_tail (log p_tail - log q_tail). It is exact where k is the whole vocabulary and a
    lower bound otherwise (the log sum inequality). q_tail is the logsumexp of the other logits less that of all, so
    that it neither cancels nor turns negative. logits [n, vocabulary]; ids, logprobs [n, k]; tail_logprob [n].
    """
    n, vocabulary = logits.shape
    k = ids.shape[1]
    assert ids.shape == logprobs.shape == (n, k)
    assert tail_logprob.shape == (n,)
    assert k <= vocabulary
    logits, ids = logits.float(), ids.long()
    total = logits.logsumexp(-1)
    student = logits.gather(-1, ids) - total[:, None]
    divergence = _weighted_gap(logprobs, student).sum(-1)
    if k == vocabulary:
        return divergence
    others = logits.scatter(-1, ids, -torch.inf).logsumexp(-1)
    return divergence + _weighted_gap(tail_logprob, others - total)


def _weighted_gap(teacher: Tensor, student: Tensor) -> Tensor:
    """p (log p - log q), which is 0 where p is 0."""
    return teacher.exp() * (teacher.nan_to_num(neginf=0.0) - student)
