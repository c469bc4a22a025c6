"""The losses agree with dense formulas, in value and gradient, and stay finite where naive ones do not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from stratos.distill.loss import Targets, cross_entropy, sparse_forward_kl, summed_loss
from stratos.models.teacher import sparse

TOKENS, VOCABULARY = 5, 40


def _logits(seed: int, scale: float = 3.0) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    return scale * torch.randn(TOKENS, VOCABULARY), (scale * torch.randn(TOKENS, VOCABULARY)).requires_grad_()


def _kl(teacher: Tensor, student: Tensor, k: int) -> Tensor:
    held = sparse(teacher, k)
    return sparse_forward_kl(student, held.ids, held.logprobs, held.tail_logprob)


def _dense(teacher: Tensor, student: Tensor) -> Tensor:
    p, q = teacher.double().log_softmax(-1), student.double().log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1)


def _bucketed(teacher: Tensor, student: Tensor, k: int) -> Tensor:
    """The dense formula on probabilities in double precision, with all but the k likeliest tokens added up."""
    p, q = teacher.double().softmax(-1), student.double().softmax(-1)
    top = p.topk(k, dim=-1).indices
    p_k, q_k = p.gather(-1, top), q.gather(-1, top)
    p_all = torch.cat([p_k, 1 - p_k.sum(-1, keepdim=True)], dim=-1)
    q_all = torch.cat([q_k, 1 - q_k.sum(-1, keepdim=True)], dim=-1)
    return (p_all * (p_all.log() - q_all.log())).sum(-1)


@pytest.mark.parametrize("seed", range(3))
def test_with_the_whole_vocabulary_it_is_the_dense_kl(seed: int) -> None:
    teacher, student = _logits(seed)
    found = _kl(teacher, student, VOCABULARY)
    torch.testing.assert_close(found.double(), _dense(teacher, student), atol=1e-5, rtol=1e-5)
    (gradient,) = torch.autograd.grad(found.sum(), student)
    torch.testing.assert_close(gradient, student.softmax(-1) - teacher.softmax(-1), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("k", [1, 3, 20, VOCABULARY - 1])
def test_with_a_tail_it_is_the_kl_of_the_bucketed_distributions(k: int) -> None:
    teacher, student = _logits(7)
    found, wanted = _kl(teacher, student, k), _bucketed(teacher, student, k)
    torch.testing.assert_close(found.double(), wanted, atol=1e-5, rtol=1e-4)
    (gradient,) = torch.autograd.grad(found.sum(), student)
    (right,) = torch.autograd.grad(wanted.sum(), student)
    torch.testing.assert_close(gradient, right, atol=1e-5, rtol=1e-4)


def test_it_rises_with_k_towards_the_dense_kl() -> None:
    teacher, student = _logits(11)
    dense = _dense(teacher, student).sum().item()
    gaps = [dense - _kl(teacher, student, k).sum().item() for k in (1, 4, 16, 39)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > 0
    assert gaps[-1] == pytest.approx(0, abs=1e-4)


def test_it_is_finite_where_one_less_a_sum_cancels() -> None:
    teacher, _ = _logits(1)
    held = sparse(teacher, 4)
    student = torch.zeros(TOKENS, VOCABULARY).scatter(-1, held.ids.long(), 90.0).requires_grad_()
    found = sparse_forward_kl(student, held.ids, held.logprobs, held.tail_logprob)
    (gradient,) = torch.autograd.grad(found.sum(), student)
    assert found.isfinite().all()
    assert gradient.isfinite().all()
    assert (gradient.gather(-1, held.ids.long()).sum(-1) > 0).all()


def test_a_teacher_that_is_certain_gives_cross_entropy() -> None:
    _, student = _logits(3)
    tokens = torch.arange(TOKENS)
    ids = torch.stack([tokens, tokens + 1], dim=-1)
    logprobs = torch.tensor([[0.0, -torch.inf]]).expand(TOKENS, 2)
    found = sparse_forward_kl(student, ids, logprobs, torch.full((TOKENS,), -torch.inf))
    torch.testing.assert_close(found, cross_entropy(student, tokens))
    (gradient,) = torch.autograd.grad(found.sum(), student)
    assert gradient.isfinite().all()


def test_a_batch_mixes_aligned_and_injected_tokens() -> None:
    teacher, student = _logits(5)
    tokens, held = torch.arange(TOKENS), sparse(teacher, 6)
    told = torch.tensor([1, 3])
    targets = Targets(tokens, told, held.ids[told].long(), held.logprobs[told], held.tail_logprob[told])
    rest = torch.tensor([0, 2, 4])
    wanted = _kl(teacher, student, 6)[told].sum() + cross_entropy(student[rest], tokens[rest]).sum()
    torch.testing.assert_close(summed_loss(student, targets), wanted)
    nothing = torch.tensor([], dtype=torch.long)
    plain = Targets(tokens, nothing, held.ids[nothing].long(), held.logprobs[nothing], held.tail_logprob[nothing])
    torch.testing.assert_close(summed_loss(student, plain), cross_entropy(student, tokens).sum())


def test_shapes_are_asserted() -> None:
    teacher, student = _logits(0)
    held = sparse(teacher, 4)
    with pytest.raises(AssertionError):
        sparse_forward_kl(student, held.ids, held.logprobs, held.tail_logprob[1:])
    with pytest.raises(AssertionError):
        cross_entropy(student, torch.arange(TOKENS - 1))
