"""A teacher: greedy answers in batches that share their prompts' beginning, and its distributions over answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stratos.catalog.cards import card_of_teacher
from stratos.errors import SpecError
from stratos.models.prefix import PrefixCache
from stratos.models.student import load_model
from stratos.models.text import decode_answer, encode_answer, encode_prompt
from stratos.spec.model import Teacher
from stratos.tasks.base import Task

LARGE_PARAMS = 50_000_000
BATCH_ROWS = 32
BATCH_ROWS_OF_SMALL = 256
_LOGITS_A_BATCH = 2**26


@dataclass(frozen=True, slots=True)
class TokenDistributions:
    """What a teacher holds of each of an answer's n tokens, its end included.

    ids: int32 [n, k], likeliest first; logprobs: float32 [n, k]; tail_logprob: float32 [n], the log of the mass outside
    those k (-inf where k is the whole vocabulary).
    """

    ids: torch.Tensor
    logprobs: torch.Tensor
    tail_logprob: torch.Tensor

    def __post_init__(self) -> None:
        n, k = self.ids.shape
        assert self.logprobs.shape == (n, k)
        assert self.tail_logprob.shape == (n,)
        assert self.ids.dtype == torch.int32
        assert self.logprobs.dtype == self.tail_logprob.dtype == torch.float32


def load_teacher(teacher: Teacher, task: Task) -> TeacherModel:
    """Loads it where it runs fastest: bf16 from 50 M parameters on where the machine has it, fp32 otherwise.

    Raises SpecError, IntegrityError or StratosError as `load_model` does.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model, tokenizer = load_model(teacher.source, _fastest_dtype(card_of_teacher(teacher).params, device))
    wrap = task.teacher_prompt if teacher.prompt == "task" else str
    return TeacherModel(model.to(device), tokenizer, wrap)


class TeacherModel:
    """A causal language model that answers and scores answers. It never learns."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, wrap: Callable[[str], str] = str
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self._wrap = wrap
        self._batch_rows = BATCH_ROWS if model.num_parameters() >= LARGE_PARAMS else BATCH_ROWS_OF_SMALL
        self._prefixes = PrefixCache(model)
        self._stops = torch.tensor(_stop_tokens(model, tokenizer), device=model.device)

    @torch.inference_mode()
    def complete(
        self, prompts: Sequence[str], max_new_tokens: int, on_progress: Callable[[int], None] | None = None
    ) -> list[str]:
        """Greedy answers in the prompts' order, each up to its end or `max_new_tokens`; `on_progress(answers so far)`.

        A prompt that does not fit into the model's context is answered by nothing. Raises SpecError where none fits.
        """
        asked = [encode_prompt(self.tokenizer, self._wrap(prompt)) for prompt in prompts]
        fitting = self._fitting([len(tokens) + max_new_tokens + 1 for tokens in asked])
        completions, done = [""] * len(prompts), len(prompts) - len(fitting)
        self._prefixes.share([asked[row] for row in fitting])
        for batch in _batches(fitting, [len(tokens) for tokens in asked], self._batch_rows):
            answers = self._generate([asked[row] for row in batch], max_new_tokens)
            for row, tokens in zip(batch, answers, strict=True):
                completions[row] = decode_answer(self.tokenizer, tokens)
            done += len(batch)
            if on_progress is not None:
                on_progress(done)
        return completions

    @torch.inference_mode()
    def top_k(self, prompts: Sequence[str], answers: Sequence[str], k: int) -> list[TokenDistributions]:
        """The teacher's k likeliest tokens (or all, where it has fewer) at each token of each answer, teacher-forced.

        Raises SpecError where a prompt and its answer do not fit into the model's context.
        """
        asked = [encode_prompt(self.tokenizer, self._wrap(prompt)) for prompt in prompts]
        answered = [encode_answer(self.tokenizer, answer) for answer in answers]
        sequences = [prompt + answer for prompt, answer in zip(asked, answered, strict=True)]
        lengths = [len(tokens) for tokens in sequences]
        if len(self._fitting(lengths)) < len(lengths):
            raise SpecError(f"an answer of {max(lengths)} tokens with its prompt passes the teacher's context")
        self._prefixes.share(asked)
        found: dict[int, TokenDistributions] = {}
        for batch in _batches(range(len(lengths)), lengths, self._rows(answered)):
            counts = [len(answered[row]) for row in batch]
            for row, logits in zip(batch, self._score([sequences[row] for row in batch], counts), strict=True):
                found[row] = sparse(logits, k)
        return [found[row] for row in range(len(lengths))]

    def _generate(self, prompts: list[list[int]], max_new_tokens: int) -> list[list[int]]:
        """Greedy tokens of each prompt, without the one that ends them."""
        answers: list[list[int]] = [[] for _ in prompts]
        alive = list(range(len(prompts)))
        cache, inputs, mask = self._prefixes.start(prompts)
        positions = _positions(mask, inputs)
        for _ in range(max_new_tokens):
            logits = self.model(
                inputs, attention_mask=mask, position_ids=positions, past_key_values=cache, logits_to_keep=1
            ).logits
            tokens = logits[:, -1].argmax(-1)
            going = ~torch.isin(tokens, self._stops)
            if not going.all():
                kept = going.nonzero()[:, 0]
                alive = [alive[row] for row in kept.tolist()]
                if not alive:
                    break
                cache.batch_select_indices(kept)
                tokens, mask, positions = tokens[kept], mask[kept], positions[kept]
            for row, token in zip(alive, tokens.tolist(), strict=True):
                answers[row].append(token)
            inputs, positions = tokens[:, None], positions[:, -1:] + 1
            mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=-1)
        return answers

    def _score(self, sequences: list[list[int]], counts: list[int]) -> Iterator[torch.Tensor]:
        """For each sequence the logits [n, vocabulary] that predict its last n tokens."""
        most = max(counts)
        cache, inputs, mask = self._prefixes.start(sequences)
        positions = _positions(mask, inputs)
        logits = self.model(
            inputs, attention_mask=mask, position_ids=positions, past_key_values=cache, logits_to_keep=most + 1
        ).logits
        assert logits.shape[:2] == (len(sequences), most + 1)
        for row, count in enumerate(counts):
            yield logits[row, most - count : most]

    def _fitting(self, lengths: list[int]) -> list[int]:
        """Rows that fit into the context. Raises SpecError where there are rows and none fits."""
        context = getattr(self.model.config, "max_position_embeddings", None)
        fitting = [row for row, length in enumerate(lengths) if context is None or length <= context]
        if lengths and not fitting:
            raise SpecError(
                f"no prompt fits into the teacher's context of {context} tokens: the shortest needs {min(lengths)}",
                hint="give the teacher `prompt: raw`, shorter instructions, or take one with a longer context",
            )
        return fitting

    def _rows(self, answered: list[list[int]]) -> int:
        longest = max(map(len, answered), default=1) + 1
        return max(1, min(self._batch_rows, _LOGITS_A_BATCH // (longest * int(self.model.config.vocab_size))))


def sparse(logits: torch.Tensor, k: int) -> TokenDistributions:
    """The k likeliest tokens of each row of logits [n, vocabulary] in fp32, and the exact mass of all others."""
    logprobs = logits.float().log_softmax(-1)
    top, ids = logprobs.topk(min(k, logprobs.shape[-1]), dim=-1)
    tail = logprobs.scatter(-1, ids, -torch.inf).logsumexp(-1)
    return TokenDistributions(ids.to(torch.int32).cpu(), top.cpu(), tail.cpu())


def _positions(mask: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Position of each input [B, S] by a mask [B, P + S]: padding does not count."""
    return (mask.cumsum(-1) - 1).clamp(min=0)[:, -inputs.shape[1] :]


def _batches(rows: Sequence[int], lengths: list[int], size: int) -> Iterator[list[int]]:
    """The rows, neighbours in length together, longest first."""
    ordered = sorted(rows, key=lambda row: -lengths[row])
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def _stop_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    stops: set[int] = set()
    for stop in (tokenizer.eos_token_id, model.config.eos_token_id, model.generation_config.eos_token_id):
        stops.update(stop if isinstance(stop, list) else () if stop is None else (stop,))
    return sorted(stops)


def _fastest_dtype(params: int, device: torch.device) -> torch.dtype:
    """On 2 cores with bf16 instructions a model of 135 M parameters decodes a fifth faster than in fp32."""
    has_bf16 = device.type == "cuda" or bool(torch.cpu._is_avx512_bf16_supported())
    return torch.bfloat16 if has_bf16 and params >= LARGE_PARAMS else torch.float32
