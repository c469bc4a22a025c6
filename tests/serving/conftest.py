"""Fixtures: a tiny student, packed once and really served."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tiny_student import KEY, Served, save_student, write_keys, write_manifest

from stratos.job import processes
from stratos.serving.pack import pack
from stratos.serving.process import start_endpoint, stop_endpoint


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    save_student(folder)
    write_manifest(folder)
    return folder


@pytest.fixture(scope="session")
def bento(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(artifact, tmp_path_factory.mktemp("packed") / ".hidden")


@pytest.fixture(scope="session")
def served(artifact: Path, bento: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("served")
    keys_file = folder / "keys.json"
    write_keys(keys_file, KEY)
    run = f"tests-{time.time_ns()}"
    model = AutoModelForCausalLM.from_pretrained(artifact)
    started = start_endpoint(
        bento, run=run, log=folder / "endpoint.log", keys_file=keys_file, until_unix_s=time.time() + 600, threads=1
    )
    with httpx.Client(base_url=started.url, timeout=60) as http:
        yield Served(started.url, keys_file, model, AutoTokenizer.from_pretrained(artifact), http)
    stop_endpoint(run)
    assert processes.tagged(run) == []
