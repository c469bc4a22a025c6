"""The model, and the one thread that writes all answers, a token of each in every round."""

from __future__ import annotations

import inspect
import logging
import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch
import transformers
from torch import Tensor

from .batch import Batch
from .integrity import Artifact, RefusedError
from .sampling import Sampler, Sampling
from .text import TextStream, Vocabulary

logger = logging.getLogger("bentoml.serve")

LOWEST_LOGPROB = -9999.0
MOST_BEGUN_A_ROUND = 8
# Measured at 0.8 M parameters: an answer of 20 tokens takes 34 ms with one thread and 47 ms with two.
ONE_THREAD_BELOW_PARAMETERS = 5_000_000


@dataclass(frozen=True, slots=True)
class TokenScore:
    """A token with its log probability and the likeliest tokens at its place. `offset`: its first character."""

    token: bytes
    logprob: float | None
    likeliest: tuple[tuple[bytes, float], ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Delta:
    """What an answer gained. `finish` is set in the last one; `tokens` counts those written so far."""

    text: str
    scores: tuple[TokenScore, ...] = ()
    finish: Literal["stop", "length", "error"] | None = None
    tokens: int = 0


class Generation:
    """One answer in the making. `echo` comes before it; `emit` is called from the engine's thread."""

    def __init__(
        self, prompt: Sequence[int], sampling: Sampling, choice: int, echo: str | None, emit: Callable[[Delta], None]
    ) -> None:
        self.prompt = list(prompt)
        self.sampling = sampling
        self.emit = emit
        self.echo = echo
        self.sampler = Sampler(sampling, choice)
        self.stream = TextStream(sampling.stop)
        self.unsent: list[TokenScore] = []
        self.last: int | None = None
        self.tokens = 0
        self.cancelled = threading.Event()


class Engine:
    """Loads an artifact; `submit` starts an answer. Every answer in the making advances by one token a round."""

    def __init__(self, artifact: Artifact, threads: int | None = None) -> None:
        """`threads`: as many as suit the model unless given. Raises RefusedError where weights are missing."""
        self.artifact = artifact
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(artifact.folder, local_files_only=True)
        self._model = _load_model(artifact, self._device)
        if threads or self._model.num_parameters() < ONE_THREAD_BELOW_PARAMETERS:
            torch.set_num_threads(threads or 1)
        self._last_only = _can_keep_last_logits_only(self._model)
        self._ends = _end_tokens(self._model, self._tokenizer)
        self._arrivals: queue.SimpleQueue[Generation] = queue.SimpleQueue()
        self.vocabulary = Vocabulary(self._tokenizer)
        self.vocabulary_size = int(self._model.config.get_text_config().vocab_size)
        self.context = int(getattr(self._model.config.get_text_config(), "max_position_embeddings", 0) or 2**31)
        threading.Thread(target=self._work, daemon=True, name="engine").start()

    def encode(self, text: str) -> list[int]:
        """The tokens of a raw prompt; an empty one becomes the token that starts (or ends) a text."""
        tokens = self._tokenizer(text)["input_ids"]
        starts = (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id)
        return list(tokens) or [token for token in starts if token is not None][:1]

    def encode_chat(self, messages: list[dict[str, str]]) -> list[int]:
        """The tokens of a conversation up to where the answer begins. Raises ValueError where the model cannot.

        A model without a chat template was trained on the bare prompt, and so takes a single message.
        """
        if self._tokenizer.chat_template is None:
            if len(messages) > 1:
                raise ValueError("the model has no chat template and takes one message")
            return self.encode(messages[0]["content"])
        try:
            tokens = self._tokenizer.apply_chat_template(
                messages, tokenize=True, add_generation_prompt=True, return_dict=False
            )
        except Exception as error:  # templates raise whatever their author chose
            raise ValueError(f"the model's chat template refused the messages: {error}") from error
        return list(tokens)

    def decode(self, tokens: Sequence[int]) -> str:
        return b"".join(map(self.vocabulary.text_bytes_of, tokens)).decode("utf-8", "replace")

    def submit(self, generation: Generation) -> None:
        self._arrivals.put(generation)

    def warm_up(self) -> None:
        """Writes one token, so that the first client does not wait for what is only done once."""
        done = threading.Event()
        self.submit(Generation([0], Sampling(max_tokens=1), 0, None, lambda _: done.set()))
        done.wait()

    @torch.inference_mode()
    def _work(self) -> None:
        batches: list[Batch] = []
        while True:
            for generation in self._arrived(wait=not batches):
                if batch := self._begin(generation):
                    _place(batches, batch)
            batches = [batch for batch in batches if self._advances(batch)]

    def _arrived(self, wait: bool) -> list[Generation]:
        """New answers to begin; a few a round, so that those in the making go on meanwhile."""
        arrived = [self._arrivals.get()] if wait else []
        while len(arrived) < MOST_BEGUN_A_ROUND and not self._arrivals.empty():
            arrived.append(self._arrivals.get())
        return [generation for generation in arrived if not generation.cancelled.is_set()]

    def _begin(self, generation: Generation) -> Batch | None:
        """Reads the prompt and writes the first token; None where nothing is left to write."""
        scores_prompt = generation.echo is not None and generation.sampling.top_logprobs is not None
        keep = {"logits_to_keep": 1} if self._last_only and not scores_prompt else {}
        try:
            ids = torch.tensor([generation.prompt], device=self._device)
            output = self._model(input_ids=ids, use_cache=True, **keep)
            logits: Tensor = output.logits[0].float().cpu()
            if generation.echo is not None:
                generation.emit(Delta(generation.echo, self._prompt_scores(generation, logits)))
        except Exception:
            self._fail([generation])
            return None
        going = self._tell(generation, logits[-1])
        return Batch(generation, output.past_key_values, len(generation.prompt), self._device) if going else None

    def _advances(self, batch: Batch) -> bool:
        """Writes a token of every row; whether any has more to write."""
        batch.keep([not generation.cancelled.is_set() for generation in batch.rows])
        if not batch.rows:
            return False
        try:
            logits = batch.forward(self._model)
        except Exception:
            self._fail(batch.rows)
            return False
        batch.keep([self._tell(generation, row) for generation, row in zip(batch.rows, logits, strict=True)])
        return bool(batch.rows)

    def _fail(self, generations: Sequence[Generation]) -> None:
        logger.exception("%d answers failed", len(generations))
        for generation in generations:
            generation.emit(Delta("", finish="error", tokens=generation.tokens))

    def _tell(self, generation: Generation, logits: Tensor) -> bool:
        """Chooses the next token and tells what it adds; whether there is more to write."""
        try:
            delta = self._next(generation, logits)
            if delta.text or delta.scores or delta.finish:
                generation.emit(delta)
        except Exception:
            self._fail([generation])
            return False
        return delta.finish is None

    def _next(self, generation: Generation, logits: Tensor) -> Delta:
        if generation.sampling.max_tokens == 0:
            return self._finish(generation, "length")
        generation.last = token = generation.sampler.pick(logits)
        return self._finish(generation, "stop") if token in self._ends else self._write(generation, token, logits)

    def _write(self, generation: Generation, token: int, logits: Tensor) -> Delta:
        generation.tokens += 1
        if generation.sampling.top_logprobs is not None:
            offset = len(generation.echo or "") + generation.stream.decoded
            generation.unsent.append(self._score(logits, token, generation.sampling.top_logprobs, offset))
        text = generation.stream.feed(self.vocabulary.text_bytes_of(token))
        if generation.stream.stopped:
            return self._finish(generation, "stop", text)
        if generation.tokens >= generation.sampling.max_tokens:
            return self._finish(generation, "length", text)
        return Delta(text, _take_scores(generation, generation.stream.released), tokens=generation.tokens)

    def _finish(self, generation: Generation, reason: Literal["stop", "length"], text: str = "") -> Delta:
        stream = generation.stream
        text += "" if stream.stopped else stream.feed(b"", final=True)
        scores = _take_scores(generation, stream.released if stream.stopped else None)
        return Delta(text, scores, "stop" if stream.stopped else reason, generation.tokens)

    def _prompt_scores(self, generation: Generation, logits: Tensor) -> tuple[TokenScore, ...]:
        """Of each token of the prompt, where log probabilities were asked for; the first has none."""
        top, scores, offset = generation.sampling.top_logprobs, [], 0
        for place, token in enumerate(generation.prompt if top is not None else ()):
            first = TokenScore(self.vocabulary.bytes_of(token), None, (), 0)
            scores.append(self._score(logits[place - 1], token, top or 0, offset) if place else first)
            offset += len(self.vocabulary.text_bytes_of(token).decode("utf-8", "ignore"))
        return tuple(scores)

    def _score(self, logits: Tensor, token: int, top: int, offset: int) -> TokenScore:
        logprobs = logits.double().log_softmax(-1)
        best = logprobs.topk(min(top, len(logprobs)))
        likeliest = tuple(
            (self.vocabulary.bytes_of(other), max(value, LOWEST_LOGPROB))
            for value, other in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        )
        return TokenScore(
            self.vocabulary.bytes_of(token), max(float(logprobs[token]), LOWEST_LOGPROB), likeliest, offset
        )


def _place(batches: list[Batch], batch: Batch) -> None:
    joinable = next((other for other in batches if batch.joinable and other.joinable), None)
    if joinable:
        joinable.absorb(batch)
    else:
        batches.append(batch)


def _take_scores(generation: Generation, before: int | None) -> tuple[TokenScore, ...]:
    """Removes and gives the scores of tokens that begin before that character; of all of them for None."""
    start = len(generation.echo or "")
    ready = [score for score in generation.unsent if before is None or score.offset - start < before]
    generation.unsent = [] if generation.stream.stopped else generation.unsent[len(ready) :]
    return tuple(ready)


def _load_model(artifact: Artifact, device: str) -> Any:
    transformers.utils.logging.disable_progress_bar()
    model, report = transformers.AutoModelForCausalLM.from_pretrained(
        artifact.folder,
        dtype=torch.bfloat16 if device == "cuda" else torch.float32,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
    )
    if missing := sorted(report["missing_keys"]):
        raise RefusedError(f"the weights lack {missing[0]}")
    return model.eval().requires_grad_(False).to(device)


def _can_keep_last_logits_only(model: Any) -> bool:
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    stated = (model.generation_config.eos_token_id, model.config.get_text_config().eos_token_id, tokenizer.eos_token_id)
    lists = (ends if isinstance(ends, list) else [ends] for ends in stated)
    return frozenset(end for ends in lists for end in ends if end is not None)
