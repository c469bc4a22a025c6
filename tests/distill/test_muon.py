"""Muon moves matrices as torch's own does, and its directions are nearly orthogonal."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from stratos.distill.muon import Muon, orthogonal

SHAPES = [(24, 24), (24, 24), (64, 24), (24, 64), (1, 16), (64, 24)]


@pytest.mark.parametrize("shape", [(5, 24, 24), (2, 64, 24), (3, 24, 64)])
def test_singular_values_come_near_one(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
    assert values.quantile(0.1) > 0.6
    assert values.max() < 1.3


def test_a_matrix_of_nothing_stays_nothing() -> None:
    assert torch.equal(orthogonal(torch.zeros(2, 8, 8)), torch.zeros(2, 8, 8))


def test_it_moves_as_torchs_own() -> None:
    """Which works in bf16: its directions differ from exact ones by about a hundredth."""
    torch.manual_seed(1)
    mine = [nn.Parameter(torch.randn(shape)) for shape in SHAPES]
    others = [nn.Parameter(parameter.detach().clone()) for parameter in mine]
    ours, theirs = Muon(mine, lr=0.02), torch.optim.Muon(others, lr=0.02)
    for _ in range(4):
        for a, b in zip(mine, others, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        before = [parameter.detach().clone() for parameter in mine]
        ours.step()
        theirs.step()
    for start, a, b in zip(before, mine, others, strict=True):
        moved = (a - start).norm()
        assert (a - b).norm() < 0.15 * moved


def test_a_matrix_without_gradient_is_left_alone() -> None:
    still, moving = nn.Parameter(torch.ones(8, 8)), nn.Parameter(torch.ones(8, 8))
    moving.grad = torch.randn(8, 8)
    Muon([still, moving], lr=0.1).step()
    assert torch.equal(still, torch.ones(8, 8))
    assert not torch.equal(moving, torch.ones(8, 8))
