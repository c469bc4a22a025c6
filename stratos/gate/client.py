"""Asks an OpenAI-compatible endpoint as its users will; translates what goes wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

from stratos.errors import StratosError

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Served:
    """Where a model is served. `url` is the endpoint's root, without /v1."""

    url: str
    key: str
    model: str

    def client(self, timeout_s: float) -> httpx.AsyncClient:
        """A client that never queues a request of its own accord, so that what waits waits at the server."""
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
            trust_env=False,
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer; tokens are 0 where the endpoint does not count them."""

    text: str
    prompt_tokens: int
    completion_tokens: int


async def complete(client: httpx.AsyncClient, model: str, prompt: str, max_tokens: int) -> Completion:
    """The greedy answer to the raw prompt as one user message. Raises StratosError where there is none."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "temperature": 0,
    }
    try:
        response = await client.post("/v1/chat/completions", json=body)
    except httpx.TimeoutException as error:
        raise StratosError(
            f"the endpoint {client.base_url} did not answer within {client.timeout.read:g} s",
            hint="see the endpoint's log with `stratos logs`",
        ) from error
    except httpx.HTTPError as error:
        raise StratosError(
            f"the endpoint {client.base_url} cannot be reached ({type(error).__name__}: {error})",
            hint="see the endpoint's log with `stratos logs`; `stratos up` starts it again",
        ) from error
    if not response.is_success:
        raise StratosError(
            f"the endpoint {client.base_url} refused a request: {response.status_code} {_reason(response)}",
            hint="see the endpoint's log with `stratos logs`",
        )
    return _completion(response)


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])[:_SHOWN]
    except (ValueError, LookupError, TypeError):
        return response.text[:_SHOWN]


def _completion(response: httpx.Response) -> Completion:
    try:
        body: dict[str, Any] = response.json()
        text = body["choices"][0]["message"]["content"] or ""
        usage = body.get("usage") or {}
        storable = str(text).encode("utf-8", "replace").decode()
        return Completion(storable, int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
    except (json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise StratosError(
            f"the endpoint {response.url} does not answer as OpenAI's API does: {response.text[:_SHOWN]!r}",
            hint="the gate needs POST /v1/chat/completions",
        ) from error
