"""The lease: one holder at a time; a dead holder's lease is free at once, a living one's is not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stratos.errors import LeaseError
from stratos.job.lease import holder, lease
from stratos.job.store import Store

_HOLD = """
import sys, time
from stratos.job.lease import lease
from stratos.job.store import Store
with lease(Store(sys.argv[1]), "up"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_holder_is_refused_and_told_by_whom(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    with pytest.raises(LeaseError, match=f"up, process {other.pid}"), lease(Store(str(tmp_path)), "destroy"):
        pass


def test_the_lease_of_a_killed_holder_is_free_at_once(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    store = Store(str(tmp_path))
    assert holder(store) is None
    with lease(store, "up"):
        taken = holder(store)
        assert taken is not None
        assert taken.purpose == "up"


def test_it_is_free_after_its_holder_is_done(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for _ in range(5):
        with lease(store, "up") as held:
            held.check()
    assert holder(store) is None


def test_it_is_renewed_while_it_is_held(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    with lease(store, "up", length_s=0.6) as held:
        time.sleep(1.5)
        held.check()
        assert holder(store) is not None
    assert len(store.list("lease")) <= 3


def test_a_holder_that_was_overtaken_learns_of_it(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    with lease(store, "up", length_s=60) as held:
        grant = holder(store)
        assert grant is not None
        store.create(f"lease/{grant.number + 1:08d}.json", grant.model_copy(update={"number": grant.number + 1}))
        held._replace(expires_unix_s=time.time() + 60)
        with pytest.raises(LeaseError, match="lost"):
            held.check()
