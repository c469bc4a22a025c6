"""What all tests share: a home of their own, no hub, and this folder on the path for tiny.py."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when the hub's client is first imported


@pytest.fixture(scope="session", autouse=True)
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For fixtures that outlive a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRATOS_HOME", str(tmp_path_factory.mktemp("session-home")))
        for name in ("STRATOS_DEBUG", "NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path_factory.mktemp("home")))
