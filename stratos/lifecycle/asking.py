"""Asks a run's student through its endpoint, as any OpenAI client would."""

from __future__ import annotations

import httpx

from stratos.errors import StratosError
from stratos.lifecycle.gating import key_file
from stratos.lifecycle.runs import Run
from stratos.lifecycle.spending import read_endpoint


def ask(run: Run, prompt: str, max_tokens: int | None = None) -> str:
    """The student's greedy answer. Raises StratosError where it is not served or refuses."""
    endpoint = read_endpoint(run)
    if endpoint is None or not endpoint.open:
        raise StratosError(f"run {run.name!r} serves no student", hint=f"`stratos up --run {run.name}` goes on with it")
    body = {
        "model": endpoint.model,
        "messages": [{"role": "user", "content": prompt}],
        "temperature": 0,
        **({"max_tokens": max_tokens} if max_tokens else {}),
    }
    headers = {"Authorization": f"Bearer {key_file(run).read_text()}"}
    try:
        response = httpx.post(f"{endpoint.url}/v1/chat/completions", json=body, headers=headers, timeout=120)
    except httpx.HTTPError as error:
        raise StratosError(
            f"the endpoint {endpoint.url} does not answer ({type(error).__name__})",
            hint=f"`stratos up --run {run.name}` starts it again",
        ) from error
    if response.is_error:
        raise StratosError(f"the endpoint refused: {_message(response)}")
    return str(response.json()["choices"][0]["message"]["content"])


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"
