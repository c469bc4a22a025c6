"""Packing and the life of an endpoint's processes, with real processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import yaml
from safetensors.torch import load_file, save_file
from tiny_student import write_manifest

from stratos.errors import IntegrityError, StratosError
from stratos.job import processes
from stratos.serving.pack import pack
from stratos.serving.process import ENDPOINT, Started, is_alive, start_endpoint, stop_endpoint

LIGHT_SERVICE = """
import bentoml

@bentoml.service(workers=1)
class Light:
    pass
"""
Start = Callable[..., Started]


@pytest.fixture
def light(tmp_path: Path) -> Path:
    """A service that BentoML starts quickly, because no model is in it."""
    folder = tmp_path / "light"
    folder.mkdir()
    (folder / "service.py").write_text(LIGHT_SERVICE)
    return folder


@pytest.fixture
def run() -> Iterator[str]:
    name = f"tests-{uuid.uuid4().hex}"
    yield name
    stop_endpoint(name)


@pytest.fixture
def start(light: Path, tmp_path: Path, run: str) -> Start:
    def start(bento: Path = light, name: str = run, seconds: float = 300, port: int | None = None) -> Started:
        log, keys = tmp_path / f"{name}.log", tmp_path / "keys.json"
        return start_endpoint(bento, run=name, log=log, keys_file=keys, until_unix_s=time.time() + seconds, port=port)

    return start


def _status(url: str) -> int:
    return httpx.get(f"{url}/readyz", timeout=5).status_code


def _wait_until_gone(run: str) -> None:
    deadline = time.monotonic() + 30
    while processes.tagged(run) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes.tagged(run) == []


def test_an_endpoint_starts_where_it_is_wanted_and_stops_twice(start: Start, run: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = start(port=port)
    assert started.url == f"http://127.0.0.1:{port}"
    assert _status(started.url) == 200
    assert is_alive(started.pid, run)
    assert not is_alive(started.pid, "another")
    assert os.getsid(started.pid) == started.pid != os.getsid(0)
    assert started.pid in stop_endpoint(run)
    assert stop_endpoint(run) == ()
    assert not is_alive(started.pid, run)
    with pytest.raises(httpx.ConnectError):
        _status(started.url)


def test_two_endpoints_do_not_disturb_each_other(start: Start, run: str) -> None:
    other = f"{run}-other"
    mine, theirs = start(), start(name=other)
    try:
        assert mine.url != theirs.url
        stop_endpoint(run)
        assert _status(theirs.url) == 200
        assert is_alive(theirs.pid, other)
    finally:
        stop_endpoint(other)


def test_nothing_outlives_a_killed_server(start: Start, run: str) -> None:
    started = start()
    server = psutil.Process(started.pid).children()[0]
    assert server.children(), "the server supervises a worker"
    server.kill()
    _wait_until_gone(run)
    assert not is_alive(started.pid, run)


def test_the_rest_is_ended_after_a_killed_guard(start: Start, run: str) -> None:
    started = start()
    os.kill(started.pid, signal.SIGKILL)
    stop_endpoint(run)
    assert processes.tagged(run) == []


def test_a_guard_ends_everything_when_the_time_is_over(tmp_path: Path, run: str) -> None:
    """Here a stubborn command, whose child is in a session of its own as a server's worker is."""
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    spawn = f"subprocess.Popen([sys.executable, '-c', {stubborn!r}], start_new_session=True)"
    command = f"import subprocess, sys, time; {spawn}; time.sleep(600)"
    until = time.time() + 1
    guard = ["-m", "stratos.serving.guard", "--until", str(until), "--", sys.executable, "-c", command]
    processes.start(run, ENDPOINT, guard, tmp_path / "log")
    _wait_until_gone(run)
    assert time.time() >= until
    assert "its time was over" in (tmp_path / "log").read_text()


def test_a_taken_port_is_left_for_another(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        started = start(port=port)
    assert started.url != f"http://127.0.0.1:{port}"
    assert _status(started.url) == 200


def test_what_a_service_said_last_is_told(start: Start, light: Path, run: str) -> None:
    (light / "service.py").write_text("raise SystemExit('the reason')")
    with pytest.raises(StratosError, match=r"ended before it was ready.*the reason") as caught:
        start()
    assert ".log" in caught.value.hint
    assert processes.tagged(run) == []


def test_a_changed_bento_is_refused_at_its_start(start: Start, bento: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(bento, tmp_path / "changed"))
    weights = changed / "src" / "artifact" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(StratosError, match=r"refusing to serve: model\.safetensors is not what the manifest says"):
        start(bento=changed)


def test_weights_that_do_not_fill_the_model_are_refused(start: Start, artifact: Path, tmp_path: Path) -> None:
    lacking = Path(shutil.copytree(artifact, tmp_path / "lacking"))
    weights = load_file(lacking / "model.safetensors")
    save_file({name: weights[name] for name in weights if "norm" not in name}, lacking / "model.safetensors")
    write_manifest(lacking)
    with pytest.raises(StratosError, match=r"refusing to serve: the weights lack model\.layers\.0"):
        start(bento=pack(lacking, tmp_path / "packed"))


def test_the_guard_passes_on_the_exit_code_of_its_command() -> None:
    environment = os.environ | {processes.RUN: uuid.uuid4().hex, processes.ROLE: ENDPOINT}
    guard = [sys.executable, "-m", "stratos.serving.guard", "--until", str(time.time() + 60), "--"]
    ended = subprocess.run([*guard, sys.executable, "-c", "raise SystemExit(3)"], env=environment)
    assert ended.returncode == 3


def test_a_bento_is_packed_once(artifact: Path, bento: Path) -> None:
    before = (bento / "bento.yaml").stat()
    store = bento.parents[2]
    assert pack(artifact, store) == bento
    assert (bento / "bento.yaml").stat().st_ino == before.st_ino
    assert [path.name for path in store.iterdir()] == ["bentos"]
    described = yaml.safe_load((bento / "bento.yaml").read_text())
    assert (described["name"], described["version"]) == ("stratos-student", bento.name)
    requirements = (bento / "env" / "python" / "requirements.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in requirements} >= {"bentoml", "torch", "transformers", "safetensors"}
    assert all("==" in line for line in requirements)


def test_a_damaged_bento_is_packed_again(artifact: Path, bento: Path) -> None:
    weights = bento / "src" / "artifact" / "model.safetensors"
    assert not os.path.samefile(weights, artifact / "model.safetensors")
    weights.write_bytes(b"")
    assert pack(artifact, bento.parents[2]) == bento
    assert weights.read_bytes() == (artifact / "model.safetensors").read_bytes()


def test_a_changed_artifact_is_not_packed(artifact: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(artifact, tmp_path / "copy"))
    (copy / "config.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"config\.json is not what"):
        pack(copy, tmp_path / "out")
    write_manifest(copy)
    (copy / "config.json").unlink()
    with pytest.raises(IntegrityError):
        pack(copy, tmp_path / "out")
