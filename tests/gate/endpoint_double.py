"""A double of an OpenAI-compatible endpoint: a real HTTP server whose answers a test chooses."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

KEY = "only-the-gate"


@dataclass
class Double:
    """What the endpoint answers, and what it was asked."""

    answer: Callable[[str], str] = lambda prompt: prompt.upper()
    delay_s: float = 0.0
    broken: Callable[[int], str] = lambda number: ""
    bodies: list[dict[str, object]] = field(default_factory=list)
    url: str = ""
    stop: Callable[[], None] = lambda: None


@pytest.fixture
def endpoint() -> Iterator[Double]:
    """A running double; a test may stop it before its end."""
    double = Double()
    server = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"double": double}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_address[1]}"

    def stop() -> None:
        server.shutdown()
        server.server_close()

    double.stop = stop
    yield double
    stop()
    thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is nothing to tell of."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    double: Double

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if not sent:
            return
        body = json.loads(sent)
        self.double.bodies.append(body)
        how = self.double.broken(len(self.double.bodies))
        if how == "drop":
            self.close_connection = True
        elif how:
            self._reply(200, how)
        elif self.headers["Authorization"] != f"Bearer {KEY}" or self.path != "/v1/chat/completions":
            self._reply(401, json.dumps({"error": {"message": "Incorrect API key provided"}}))
        else:
            time.sleep(self.double.delay_s)
            self._reply(200, json.dumps(_completion(body, self.double.answer)))

    def _reply(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


def _completion(body: dict[str, object], answer: Callable[[str], str]) -> dict[str, object]:
    prompt = body["messages"][0]["content"]  # type: ignore[index]
    text = answer(prompt)
    return {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": len(prompt) // 2, "completion_tokens": len(text)},
    }
