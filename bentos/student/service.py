"""The Bento's entry: a service that refuses to start unless its artifact is what was packed."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

import bentoml

from .auth import App, Message, Receive, RequireKey, Send
from .integrity import RefusedError, verify

ARTIFACT = Path(__file__).parent.parent / "artifact"

LONGEST_ANSWER_S = 600.0

logger = logging.getLogger("bentoml.serve")


class Late:
    """The API's place while there is no model yet: building a Bento and supervising its worker take no torch."""

    app: App

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


api = Late()


@bentoml.service(name="stratos-student", workers=1, traffic={"timeout": LONGEST_ANSWER_S + 10})
@bentoml.asgi_app(api, path="/v1")
class Student:
    """Serves one distilled student over OpenAI's API."""

    def __init__(self) -> None:
        try:
            _open()
        except Exception as error:
            logger.error("refusing to serve: %s", error)
            os.kill(os.getppid(), signal.SIGTERM)
            raise

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check() -> None:
        """Runs once, before any worker is started."""
        try:
            verify(ARTIFACT)
        except RefusedError as error:
            raise SystemExit(f"refusing to serve: {error}") from error


Student.add_asgi_middleware(RequireKey)  # type: ignore[attr-defined]


def _open() -> None:
    from .api import Api
    from .engine import Engine

    artifact = verify(ARTIFACT)
    threads = int(os.environ.get("STRATOS_THREADS") or 0) or None
    engine = Engine(artifact, threads)
    engine.warm_up()
    api.app = Api(engine, os.environ.get("STRATOS_MODEL") or artifact.student, LONGEST_ANSWER_S)
