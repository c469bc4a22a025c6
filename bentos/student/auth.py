"""API keys: who may ask, read from a file of SHA-256 hashes that can change while the service runs."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

KEYS_FILE = "STRATOS_KEYS_FILE"
OPEN_PATHS = frozenset({"/readyz", "/livez", "/healthz", "/metrics"})

logger = logging.getLogger("bentoml.serve")


class Keys:
    """The hashes in the file {"sha256": [hex, …]}. Without a readable file nobody gets in."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._hashes: tuple[str, ...] = ()

    def admit(self, key: bytes) -> bool:
        """Whether the key's hash is listed now. Takes the same time for every wrong key."""
        digest = hashlib.sha256(key).hexdigest()
        matches = [hmac.compare_digest(digest, known) for known in self._current()]
        return any(matches)

    def _current(self) -> tuple[str, ...]:
        stamp = self._stamp_of_file()
        if stamp != self._stamp:
            self._stamp, self._hashes = stamp, self._read() if stamp else ()
        return self._hashes

    def _stamp_of_file(self) -> tuple[int, int, int] | None:
        try:
            stat = os.stat(self._path) if self._path else None
        except OSError:
            return None
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat else None

    def _read(self) -> tuple[str, ...]:
        try:
            hashes = json.loads(self._path.read_bytes())["sha256"] if self._path else []
            return tuple(str(known).lower() for known in hashes if str(known).isascii())
        except (OSError, ValueError, KeyError, TypeError):
            logger.error("%s does not hold API keys; nobody gets in", self._path)
            return ()


class RequireKey:
    """ASGI middleware: everything but health and metrics needs `Authorization: Bearer KEY`."""

    def __init__(self, app: App) -> None:
        path = os.environ.get(KEYS_FILE)
        self._app = app
        self._keys = Keys(Path(path) if path else None)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope.get("path") in OPEN_PATHS or self._keys.admit(_bearer(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(send)


def _bearer(scope: Message) -> bytes:
    for name, value in scope.get("headers", ()):
        if name == b"authorization":
            kind, _, key = bytes(value).partition(b" ")
            return key.strip() if kind.lower() == b"bearer" else b""
    return b""


async def _refuse(send: Send) -> None:
    error = {
        "message": "This endpoint needs a valid API key in the header 'Authorization: Bearer KEY'.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
    body = json.dumps({"error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b"Bearer"),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})
