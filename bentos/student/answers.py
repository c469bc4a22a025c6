"""OpenAI's response objects, whole and in chunks, from what the engine wrote."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .engine import Delta, TokenScore

Json = dict[str, Any]


@dataclass(slots=True)
class Answer:
    """One choice, as far as it is written."""

    deltas: list[Delta] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas)

    @property
    def scores(self) -> list[TokenScore]:
        return [score for delta in self.deltas for score in delta.scores]

    @property
    def finish(self) -> str | None:
        return self.deltas[-1].finish

    @property
    def tokens(self) -> int:
        return self.deltas[-1].tokens


class Shape:
    """How one kind of endpoint words its answers. Subclasses fill in a choice."""

    prefix = object_whole = object_chunk = ""

    def __init__(self, model: str, fingerprint: str, with_scores: bool) -> None:
        self._head: Json = {
            "id": f"{self.prefix}-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": f"fp_{fingerprint[:12]}",
        }
        self._with_scores = with_scores

    def whole(self, answers: list[Answer], usage: Json) -> Json:
        choices = [self.choice(index, answer) for index, answer in enumerate(answers)]
        return {**self._head, "object": self.object_whole, "choices": choices, "usage": usage}

    def chunk(self, choices: list[Json], wants_usage: bool, usage: Json | None = None) -> Json:
        """One event of a stream. Where the usage was asked for, it is null in all but the last."""
        extra = {"usage": usage} if wants_usage else {}
        return {**self._head, "object": self.object_chunk, "choices": choices, **extra}

    def opening(self, count: int) -> list[Json]:
        """A choice for each chunk that comes before any text."""
        raise NotImplementedError

    def choice(self, index: int, answer: Answer) -> Json:
        raise NotImplementedError

    def gain(self, index: int, delta: Delta) -> Json:
        raise NotImplementedError


class ChatShape(Shape):
    """chat.completion and chat.completion.chunk."""

    prefix, object_whole, object_chunk = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def opening(self, count: int) -> list[Json]:
        delta = {"role": "assistant", "content": "", "refusal": None}
        return [{"index": index, "delta": delta, "logprobs": None, "finish_reason": None} for index in range(count)]

    def choice(self, index: int, answer: Answer) -> Json:
        message = {"role": "assistant", "content": answer.text, "refusal": None}
        logprobs = self._logprobs(answer.scores)
        return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": answer.finish}

    def gain(self, index: int, delta: Delta) -> Json:
        content = {"content": delta.text} if delta.text or delta.scores else {}
        logprobs = self._logprobs(delta.scores) if content else None
        return {"index": index, "delta": content, "logprobs": logprobs, "finish_reason": delta.finish}

    def _logprobs(self, scores: Iterable[TokenScore]) -> Json | None:
        if not self._with_scores:
            return None
        return {"content": [_chat_score(score) for score in scores], "refusal": None}


class CompletionShape(Shape):
    """text_completion, whole and in chunks."""

    prefix, object_whole, object_chunk = "cmpl", "text_completion", "text_completion"

    def opening(self, count: int) -> list[Json]:  # noqa: ARG002
        return []

    def choice(self, index: int, answer: Answer) -> Json:
        logprobs = self._logprobs(answer.scores)
        return {"index": index, "text": answer.text, "logprobs": logprobs, "finish_reason": answer.finish}

    def gain(self, index: int, delta: Delta) -> Json:
        return self.choice(index, Answer([delta]))

    def _logprobs(self, scores: list[TokenScore]) -> Json | None:
        if not self._with_scores:
            return None
        return {
            "tokens": [_shown(score.token) for score in scores],
            "token_logprobs": [score.logprob for score in scores],
            "top_logprobs": [_likeliest(score) for score in scores],
            "text_offset": [score.offset for score in scores],
        }


def usage(prompt_tokens: int, answers: Iterable[Answer]) -> Json:
    """Prompts are counted once each, however many choices were asked for."""
    written = sum(answer.tokens for answer in answers)
    return {"prompt_tokens": prompt_tokens, "completion_tokens": written, "total_tokens": prompt_tokens + written}


def _chat_score(score: TokenScore) -> Json:
    top = [_chat_token(token, logprob) for token, logprob in score.likeliest]
    return {**_chat_token(score.token, score.logprob), "top_logprobs": top}


def _chat_token(token: bytes, logprob: float | None) -> Json:
    return {"token": _shown(token), "bytes": list(token), "logprob": logprob}


def _likeliest(score: TokenScore) -> Json | None:
    """The likeliest tokens with the chosen one among them, as the completions endpoint has it; None for the first."""
    if score.logprob is None:
        return None
    return {_shown(token): logprob for token, logprob in (*score.likeliest, (score.token, score.logprob))}


def _shown(token: bytes) -> str:
    """The token's text, or its bytes escaped where they are no whole characters."""
    try:
        return token.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in token)
