"""Records become the tokens that the student will be asked in, and batches depend on seed and step alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stratos.distill.encode import Order, encode, encode_prompts
from stratos.distill.teacher_cache import Record
from stratos.errors import SpecError
from stratos.models.teacher import sparse
from stratos.models.text import encode_answer, encode_prompt
from stratos.models.tokenizer import train_tokenizer

PROMPTS = ["123m", "a longer prompt, with <eos> in it", "", " spaces ", "東", "7z"]
ANSWERS = ["12z", "<assistant>", "", "long answer of some length", "東", "12z"]
TOKENIZER = train_tokenizer((), 320)


def _records() -> list[Record]:
    return [Record(prompt, answer, "all", "injection") for prompt, answer in zip(PROMPTS, ANSWERS, strict=True)]


def test_sequences_are_prompt_and_answer_as_they_are_tokenised_one_by_one() -> None:
    data = encode(_records(), TOKENIZER, 256, 260)
    for row, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        tokens = data.tokens[data.starts[row] : data.starts[row + 1]].tolist()
        asked, answered = encode_prompt(TOKENIZER, prompt), encode_answer(TOKENIZER, answer)
        assert tokens == asked + answered
        assert data.prompts[row] == len(asked)
    assert encode_prompts(TOKENIZER, PROMPTS) == [encode_prompt(TOKENIZER, prompt) for prompt in PROMPTS]


def test_a_batch_predicts_every_answer_token_and_nothing_else() -> None:
    data = encode(_records(), TOKENIZER, 256, 260)
    chosen = np.array([3, 0, 4])
    batch = data.batch(chosen)
    assert batch.tokens.shape == (3, max(data.lengths[chosen]))
    predicted: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for row, column, token in zip(
        batch.rows.tolist(), batch.columns.tolist(), batch.targets.tokens.tolist(), strict=True
    ):
        assert batch.tokens[row, column + 1] == token
        predicted[row].append(token)
    assert predicted == {place: encode_answer(TOKENIZER, ANSWERS[row]) for place, row in enumerate(chosen)}


def test_the_teachers_distributions_stay_with_their_tokens() -> None:
    torch.manual_seed(0)
    held = [sparse(torch.randn(len(encode_answer(TOKENIZER, answer)), 260), 5) for answer in ANSWERS]
    records = _records()
    for row in (1, 3, 4):
        records[row] = Record(PROMPTS[row], ANSWERS[row], "all", "alignment", held[row])
    targets = encode(records, TOKENIZER, 256, 260).batch(np.array([4, 0, 3])).targets
    assert torch.equal(targets.ids, torch.cat([held[4].ids, held[3].ids]).long())
    assert torch.equal(targets.logprobs, torch.cat([held[4].logprobs, held[3].logprobs]))
    assert torch.equal(targets.tail_logprob, torch.cat([held[4].tail_logprob, held[3].tail_logprob]))
    told = encode_answer(TOKENIZER, ANSWERS[4]) + encode_answer(TOKENIZER, ANSWERS[3])
    assert targets.tokens[targets.aligned].tolist() == told


def test_what_a_teacher_thinks_of_tokens_that_the_student_lacks_goes_to_its_tail() -> None:
    logits = torch.full((len(encode_answer(TOKENIZER, "1")), 300), -4.0)
    logits[:, [10, 280]] = 5.0
    held = sparse(logits, 3)
    data = encode([Record("1", "1", "all", "alignment", held)], TOKENIZER, 64, 260)
    assert int(data.sparse.ids.max()) < 260
    mass = data.sparse.logprobs.exp().sum(-1) + data.sparse.tail_logprob.exp()
    torch.testing.assert_close(mass, torch.ones(len(logits)))
    assert (data.sparse.tail_logprob.exp() > 0.4).all()


def test_sequences_past_the_context_are_left_out_and_counted() -> None:
    data = encode(_records(), TOKENIZER, 16, 260)
    assert (len(data), data.too_long) == (4, 2)
    assert data.lengths.max() <= 16
    with pytest.raises(SpecError, match="context of 1 tokens"):
        encode(_records(), TOKENIZER, 1, 260)


def test_each_sequence_comes_once_an_epoch_in_an_order_of_seed_and_step_alone() -> None:
    order = Order(2500, 32, seed=3)
    steps = 2500 // 32
    first = [order.rows(step) for step in range(steps)]
    assert len(set(np.concatenate(first).tolist())) == steps * 32
    second = order.rows(steps)
    assert not np.array_equal(first[0], second)
    again = Order(2500, 32, seed=3)
    assert np.array_equal(again.rows(steps), second)
    assert np.array_equal(again.rows(17), first[17])
    assert not np.array_equal(Order(2500, 32, seed=4).rows(17), first[17])


def test_a_step_is_made_in_passes_with_little_padding() -> None:
    rng = np.random.default_rng(0)
    records = [Record("x" * int(rng.integers(4, 120)), "1", "all", "injection") for _ in range(300)]
    data = encode(records, TOKENIZER, 256, 260)
    chosen = np.arange(0, 300, 2)
    passes = data.passes(chosen)
    assert sorted(np.concatenate(passes).tolist()) == chosen.tolist()
    padded = sum(len(part) * int(data.lengths[part].max()) for part in passes)
    assert padded < 1.15 * data.lengths[chosen].sum()
    assert 2 < len(passes) < 12
    alike = encode([Record("x" * 9, "1", "all", "injection")] * 64, TOKENIZER, 256, 260)
    assert len(alike.passes(np.arange(64))) == 1


def test_passes_are_small_enough_for_the_memory() -> None:
    data = encode([Record("x" * 240, "1", "all", "injection")] * 200, TOKENIZER, 256, 260)
    passes = data.passes(np.arange(200))
    assert max(len(part) * 244 for part in passes) <= 16_384
    assert len(data.passes(np.array([7]))) == 1


def test_fewer_sequences_than_a_batch_are_one_batch() -> None:
    order = Order(3, 32, seed=0)
    assert sorted(order.rows(0).tolist()) == sorted(order.rows(9).tolist()) == [0, 1, 2]
