"""Records as token arrays, made once, and the batches of every step as a pure function of the seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from stratos.distill.loss import Targets
from stratos.distill.teacher_cache import Record
from stratos.errors import SpecError
from stratos.models.teacher import TokenDistributions
from stratos.models.text import encode_prompt

_TOKENS_A_PASS = 16_384
_TOKENS_A_PASS_COSTS = 256
_MORE_PASSES = 8

Ints = npt.NDArray[np.int32]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids [B, S] (int64, padded on the right) and where the n answer tokens are predicted, with their targets.

    rows, columns: int64 [n]: hidden state [row, column] predicts the answer token.
    """

    tokens: Tensor
    rows: Tensor
    columns: Tensor
    targets: Targets

    def to(self, device: torch.device) -> Batch:
        tokens, rows, columns = (tensor.to(device) for tensor in (self.tokens, self.rows, self.columns))
        return Batch(tokens, rows, columns, self.targets.to(device))


@dataclass(frozen=True, slots=True)
class Sparse:
    """The teacher's distributions of all aligned answer tokens: ids, logprobs [T, k], tail_logprob [T]."""

    ids: Tensor
    logprobs: Tensor
    tail_logprob: Tensor


@dataclass(frozen=True, slots=True)
class Encoded:
    """N sequences of prompt and answer, end to end.

    tokens [sum of lengths]; starts [N + 1]: where each begins; prompts [N]: length of its prompt; told [N]: where its
    distributions begin in `sparse`, -1 where it has none.
    """

    tokens: Ints
    starts: Indices
    prompts: Indices
    told: Indices
    sparse: Sparse
    too_long: int
    fingerprint: str

    def __len__(self) -> int:
        return len(self.prompts)

    @property
    def lengths(self) -> Indices:
        return np.diff(self.starts)

    def passes(self, chosen: Indices) -> list[Indices]:
        """The sequences of one step in passes of neighbours in length, as few as cost the least.

        A pass costs its tokens, padding included, and as much again as some hundred tokens; its memory is bounded.
        """
        lengths = self.lengths[chosen]
        by_length = chosen[np.argsort(lengths, kind="stable")]
        least = -(-len(chosen) * int(lengths.max()) // _TOKENS_A_PASS)
        counts = range(min(least, len(chosen)), min(least + _MORE_PASSES, len(chosen)) + 1)
        return min((np.array_split(by_length, count) for count in counts), key=self._cost)

    def _cost(self, passes: list[Indices]) -> int:
        return sum(len(part) * int(self.lengths[part].max()) + _TOKENS_A_PASS_COSTS for part in passes)

    def batch(self, chosen: Indices) -> Batch:
        """The sequences `chosen` [B] as a padded batch."""
        starts, lengths, prompts = self.starts[chosen], self.lengths[chosen], self.prompts[chosen]
        places = np.arange(int(lengths.max()))
        inside = places < lengths[:, None]
        tokens = np.where(inside, self.tokens[np.minimum(starts[:, None] + places, len(self.tokens) - 1)], 0)
        answers = inside & (places >= prompts[:, None])
        rows, at = np.nonzero(answers)
        told = self.told[chosen][rows]
        aligned = np.nonzero(told >= 0)[0]
        sources = torch.from_numpy((told + at - prompts[rows])[aligned])
        return Batch(
            tokens=torch.from_numpy(tokens.astype(np.int64)),
            rows=torch.from_numpy(rows),
            columns=torch.from_numpy(at - 1),
            targets=Targets(
                tokens=torch.from_numpy(tokens[rows, at].astype(np.int64)),
                aligned=torch.from_numpy(aligned),
                ids=self.sparse.ids[sources].long(),
                logprobs=self.sparse.logprobs[sources],
                tail_logprob=self.sparse.tail_logprob[sources],
            ),
        )


def encode(records: Sequence[Record], tokenizer: PreTrainedTokenizerBase, context: int, vocab_size: int) -> Encoded:
    """Tokenises every record once, for a student of `vocab_size` tokens.

    Sequences longer than `context` are left out and counted. What a teacher thinks of tokens that the student does not
    have goes to its tail.

    Raises SpecError where none is left.
    """
    answers = _encode_answers(tokenizer, [record.answer for record in records])
    prompts = encode_prompts(tokenizer, [record.prompt for record in records])
    fitting = [row for row in range(len(records)) if len(prompts[row]) + len(answers[row]) <= context]
    if not fitting:
        raise SpecError(
            f"none of {len(records)} training examples fits into the student's context of {context} tokens",
            hint="raise the student's shape.context, or choose a student with a longer one",
        )
    tokens = np.fromiter(chain.from_iterable(prompts[row] + answers[row] for row in fitting), np.int32)
    lengths = np.array([len(prompts[row]) + len(answers[row]) for row in fitting], np.int64)
    told, held = _sparse([records[row].distributions for row in fitting], [len(answers[row]) for row in fitting])
    sparse = _within(held, vocab_size)
    arrays = (tokens, np.concatenate(([0], lengths.cumsum())), np.array([len(prompts[row]) for row in fitting]), told)
    return Encoded(*arrays, sparse, len(records) - len(fitting), _fingerprint(*arrays, sparse))


def encode_prompts(tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str]) -> list[list[int]]:
    """What `encode_prompt` gives for each prompt, many times faster."""
    if tokenizer.chat_template is None:
        return [encode_prompt(tokenizer, prompt) for prompt in prompts]
    messages = [[{"role": "user", "content": prompt}] for prompt in prompts]
    texts = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    if not tokenizer.is_fast:
        return list(tokenizer(texts, add_special_tokens=False)["input_ids"])
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = False
    backend.no_padding()
    backend.no_truncation()
    return [encoding.ids for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)]


@dataclass(frozen=True)
class Order:
    """Which of `count` sequences make the batch of a step: each once an epoch, in an order of its own.

    A pure function of (count, batch size, seed, step), so that a resumed training goes on where it was.
    """

    count: int
    batch_size: int
    seed: int
    _epochs: dict[int, Indices] = field(default_factory=dict, repr=False)

    def rows(self, step: int) -> Indices:
        """Indices [B] of the step's sequences; B is smaller only where there are fewer sequences than that."""
        size = min(self.batch_size, self.count)
        epoch, at = divmod(step, self.count // size)
        if epoch not in self._epochs:
            self._epochs.clear()
            rng = np.random.Generator(np.random.PCG64([self.seed, epoch]))
            self._epochs[epoch] = rng.permutation(self.count)
        return self._epochs[epoch][at * size : (at + 1) * size]


def _encode_answers(tokenizer: PreTrainedTokenizerBase, answers: Sequence[str]) -> list[list[int]]:
    """What `encode_answer` gives for each answer; equal answers are tokenised once."""
    different = list(dict.fromkeys(answers))
    tokens = tokenizer(different, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    end = int(tokenizer.eos_token_id)
    encoded = {answer: [*ids, end] for answer, ids in zip(different, tokens, strict=True)}
    return [encoded[answer] for answer in answers]


def _sparse(held: Sequence[TokenDistributions | None], counts: Sequence[int]) -> tuple[Indices, Sparse]:
    """Where each answer's distributions begin (-1 without), and all of them, one after the other."""
    told = np.full(len(held), -1, np.int64)
    kept: list[TokenDistributions] = []
    at = 0
    for row, (distributions, count) in enumerate(zip(held, counts, strict=True)):
        if distributions is None:
            continue
        assert len(distributions.ids) == count, "the teacher's tokens are not the student's"
        told[row], at = at, at + count
        kept.append(distributions)
    if not kept:
        return told, Sparse(torch.zeros(0, 1, dtype=torch.int32), torch.zeros(0, 1), torch.zeros(0))
    return told, Sparse(
        ids=torch.cat([one.ids for one in kept]),
        logprobs=torch.cat([one.logprobs for one in kept]),
        tail_logprob=torch.cat([one.tail_logprob for one in kept]),
    )


def _within(sparse: Sparse, vocab_size: int) -> Sparse:
    """Without tokens past the student's (padding of the teacher's vocabulary): their place repeats another one's."""
    outside = sparse.ids >= vocab_size
    if not outside.any():
        return sparse
    lost = sparse.logprobs.where(outside, -torch.inf).logsumexp(-1)
    return Sparse(
        ids=torch.where(outside, sparse.ids.where(~outside, 0).amax(-1, keepdim=True), sparse.ids),
        logprobs=sparse.logprobs.where(~outside, -torch.inf),
        tail_logprob=torch.logaddexp(sparse.tail_logprob, lost),
    )


def _fingerprint(tokens: Ints, starts: Indices, prompts: Indices, told: Indices, sparse: Sparse) -> str:
    digest = hashlib.sha256()
    for array in (tokens, starts, prompts, told):
        digest.update(array.tobytes())
    for tensor in (sparse.ids, sparse.logprobs, sparse.tail_logprob):
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
