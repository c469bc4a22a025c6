"""The object store: whole objects, exclusive creation, no half-written file in sight."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stratos.errors import IntegrityError
from stratos.job.contract import Losses
from stratos.job.store import Store


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path) if request.param == "folder" else f"memory://{tmp_path.name}")


def test_a_written_object_is_read_back_and_replaced(store: Store) -> None:
    store.write("a/b.json", b"one")
    store.write("a/b.json", b"two")
    assert store.read("a/b.json") == b"two"
    assert store.list("a") == ["b.json"]
    assert store.list("nothing") == []


def test_create_refuses_an_existing_object(store: Store) -> None:
    store.create("a/b", b"first")
    with pytest.raises(FileExistsError):
        store.create("a/b", b"second")
    assert store.read("a/b") == b"first"


def test_only_one_of_many_creators_succeeds(tmp_path: Path) -> None:
    store = Store(str(tmp_path))

    def create(content: int) -> bool:
        try:
            store.create("x", str(content).encode())
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(create, range(64))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_deleting_twice_is_no_error(store: Store) -> None:
    store.write("a/b", b"x")
    store.delete("a")
    store.delete("a")
    assert not store.exists("a/b")


def test_an_object_that_does_not_fit_is_an_integrity_error(store: Store) -> None:
    store.write("losses.json", b'{"points": 3}')
    with pytest.raises(IntegrityError, match=r"losses\.json is not a Losses"):
        store.read_model("losses.json", Losses)
