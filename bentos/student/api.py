"""The routes under /v1: models, chat completions and completions, whole or streamed."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from . import protocol
from .answers import Answer, ChatShape, CompletionShape, Shape, usage
from .engine import Delta, Engine, Generation
from .protocol import ApiError, ChatRequest, CompletionRequest

BODY_LIMIT_BYTES = 4 * 2**20
MOST_ANSWERS_IN_THE_MAKING = 512

logger = logging.getLogger("bentoml.serve")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Prepared = Callable[[Callable[[Delta], None]], Generation]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that was found right: its prompts in tokens, and how to word what comes back."""

    request: protocol.Request
    prompts: Sequence[Sequence[int]]
    limits: Sequence[int]
    shape: Shape
    echoes: Sequence[str | None]


class Api:
    """The ASGI application, which answers for everything under /v1."""

    def __init__(self, engine: Engine, model: str, longest_answer_s: float) -> None:
        self._engine = engine
        self._model = model
        self._longest_answer_s = longest_answer_s
        self._in_the_making = 0
        self._started_s = int(time.time())
        self._app = Starlette(
            routes=[
                Route("/models", _guarded(self._models), methods=["GET"]),
                Route("/models/{model:path}", _guarded(self._one_model), methods=["GET"]),
                Route("/chat/completions", _guarded(self._chat), methods=["POST"]),
                Route("/completions", _guarded(self._completions), methods=["POST"]),
            ],
            exception_handlers={HTTPException: _no_such_route},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._described()]})

    async def _one_model(self, request: Request) -> Response:
        self._check_model(request.path_params["model"])
        return JSONResponse(self._described())

    async def _chat(self, http: Request) -> Response:
        request = protocol.parse(ChatRequest, await _body(http))
        self._check_model(request.model)
        try:
            prompt = self._engine.encode_chat([message.plain() for message in request.messages])
        except ValueError as error:
            raise ApiError(400, f"Invalid value for 'messages': {error}.", param="messages") from error
        limit = self._room("messages", prompt, request.limit, self._engine.artifact.max_new_tokens)
        shape = ChatShape(self._model, self._engine.artifact.fingerprint, request.top() is not None)
        return await self._answer(http, Ask(request, [prompt], [limit], shape, [None]))

    async def _completions(self, http: Request) -> Response:
        request = protocol.parse(CompletionRequest, await _body(http))
        self._check_model(request.model)
        prompts = [self._tokens(prompt) for prompt in request.prompts]
        if len(prompts) * request.choices > protocol.MOST_CHOICES:
            raise ApiError(400, f"At most {protocol.MOST_CHOICES} answers a request, prompts times n.", param="n")
        limits = [self._room("prompt", prompt, request.limit, 0) for prompt in prompts]
        shape = CompletionShape(self._model, self._engine.artifact.fingerprint, request.top() is not None)
        echoes = [self._echo(prompt) if request.echo else None for prompt in request.prompts]
        return await self._answer(http, Ask(request, prompts, limits, shape, echoes))

    async def _answer(self, http: Request, ask: Ask) -> Response:
        count = len(ask.prompts) * ask.request.choices
        if self._in_the_making + count > MOST_ANSWERS_IN_THE_MAKING:
            raise ApiError(429, "Too many answers are being written; try again.", code="overloaded", kind="overloaded")
        generations = self._prepare(ask)
        if ask.request.stream:
            return StreamingResponse(self._events(ask, generations), media_type="text/event-stream")
        work = asyncio.ensure_future(self._gather(generations))
        gone = asyncio.ensure_future(_disconnected(http))
        try:
            waiting = {work, gone}
            await asyncio.wait(waiting, timeout=self._longest_answer_s, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not gone.done():
                raise ApiError(504, f"The answer took longer than {self._longest_answer_s:g} s; ask for a stream.")
            if not work.done():
                return Response(status_code=499)
            return JSONResponse(ask.shape.whole(answers := work.result(), usage(_prompt_tokens(ask), answers)))
        finally:
            work.cancel()
            gone.cancel()

    def _prepare(self, ask: Ask) -> list[Prepared]:
        """One a choice, prompt by prompt; each waits only for where its deltas go."""
        samplings = [ask.request.sampling(limit, self._engine.vocabulary_size) for limit in ask.limits]
        return [
            partial(Generation, prompt, sampling, choice, echo)
            for prompt, sampling, echo in zip(ask.prompts, samplings, ask.echoes, strict=True)
            for choice in range(ask.request.choices)
        ]

    async def _gather(self, prepared: Sequence[Prepared]) -> list[Answer]:
        answers = [Answer() for _ in prepared]
        async with self._written(prepared) as deltas:
            async for index, delta in deltas:
                answers[index].deltas.append(delta)
        if any(answer.finish == "error" for answer in answers):
            raise ApiError(500, "The model failed while writing this answer.")
        return answers

    async def _events(self, ask: Ask, prepared: Sequence[Prepared]) -> AsyncIterator[str]:
        """Server-sent events. A client that goes away ends the writing."""
        wants_usage = ask.request.wants_usage
        answers = [Answer() for _ in prepared]
        for opening in ask.shape.opening(len(prepared)):
            yield _event(ask.shape.chunk([opening], wants_usage))
        async with self._written(prepared) as deltas:
            async for index, delta in deltas:
                if delta.finish == "error":
                    yield _event(ApiError(500, "The model failed while writing this answer.").body)
                    return
                answers[index].deltas.append(delta)
                for part in _parts(delta):
                    yield _event(ask.shape.chunk([ask.shape.gain(index, part)], wants_usage))
        if wants_usage:
            yield _event(ask.shape.chunk([], wants_usage, usage(_prompt_tokens(ask), answers)))
        yield "data: [DONE]\n\n"

    @asynccontextmanager
    async def _written(self, prepared: Sequence[Prepared]) -> AsyncIterator[AsyncIterator[tuple[int, Delta]]]:
        """The deltas of all answers as they are written; leaving early cancels what is unfinished."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[tuple[int, Delta]] = asyncio.Queue()

        def emit(index: int, delta: Delta) -> None:
            loop.call_soon_threadsafe(arrived.put_nowait, (index, delta))

        generations = [make(partial(emit, index)) for index, make in enumerate(prepared)]
        self._in_the_making += len(generations)
        try:
            for generation in generations:
                self._engine.submit(generation)
            yield _until_finished(arrived, len(generations))
        finally:
            self._in_the_making -= len(generations)
            for generation in generations:
                generation.cancelled.set()

    def _described(self) -> dict[str, Any]:
        return {"id": self._model, "object": "model", "created": self._started_s, "owned_by": "stratos"}

    def _check_model(self, model: str) -> None:
        if model != self._model:
            message = f"The model {model!r} does not exist; this endpoint serves {self._model!r}."
            raise ApiError(404, message, param="model", code="model_not_found")

    def _tokens(self, prompt: str | list[int]) -> list[int]:
        tokens = self._engine.encode(prompt) if isinstance(prompt, str) else prompt
        if not tokens:
            raise ApiError(400, "Invalid value for 'prompt': it has no tokens.", param="prompt", code="invalid_value")
        if not all(0 <= token < self._engine.vocabulary_size for token in tokens):
            raise ApiError(400, "Invalid value for 'prompt': no such token.", param="prompt", code="invalid_value")
        return tokens

    def _echo(self, prompt: str | list[int]) -> str:
        return prompt if isinstance(prompt, str) else self._engine.decode(prompt)

    def _room(self, param: str, prompt: Sequence[int], asked: int | None, default: int) -> int:
        """How many tokens the answer may have: what was asked, as far as the context goes."""
        context = self._engine.context
        if len(prompt) >= context or (asked or 0) > context:
            message = f"The context is {context} tokens; the prompt has {len(prompt)}, the answer may have {asked}."
            raise ApiError(400, message, param=param, code="context_length_exceeded")
        return min(default if asked is None else asked, context - len(prompt))


async def _until_finished(arrived: asyncio.Queue[tuple[int, Delta]], running: int) -> AsyncIterator[tuple[int, Delta]]:
    while running:
        index, delta = await arrived.get()
        running -= delta.finish is not None
        yield index, delta


def _guarded(handler: Handler) -> Handler:
    """Turns refusals into OpenAI's error body, and what went wrong here into one that tells nothing of the inside."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as error:
            return JSONResponse(error.body, error.status)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:
            logger.exception("%s %s failed", request.method, request.url.path)
            return JSONResponse(ApiError(500, "The server failed while answering.").body, 500)

    return guarded


async def _no_such_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    wrong = "Method not allowed" if status == 405 else "No such URL"
    refusal = ApiError(
        status, f"{wrong}: {request.method} {request.url.path}", code=None if status == 405 else "unknown_url"
    )
    headers = error.headers if isinstance(error, HTTPException) else None
    return JSONResponse(refusal.body, status, headers=headers)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT_BYTES:
            raise ApiError(413, f"The body is larger than {BODY_LIMIT_BYTES} bytes.")
    return bytes(body)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _parts(delta: Delta) -> list[Delta]:
    """The last delta in two: its text, then the bare reason why the answer ended."""
    if delta.finish is None or not (delta.text or delta.scores):
        return [delta]
    return [Delta(delta.text, delta.scores, None, delta.tokens), Delta("", (), delta.finish, delta.tokens)]


def _prompt_tokens(ask: Ask) -> int:
    return sum(map(len, ask.prompts))


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n\n"
