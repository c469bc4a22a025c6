"""An expiring lease around whatever changes a run: one holder at a time, taken over when the holder is dead."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator

import psutil

from stratos.errors import LeaseError
from stratos.job import layout
from stratos.job.store import Store
from stratos.spec.model import Frozen

LENGTH_S = 60.0
_KEPT = 3


class Grant(Frozen):
    """One grant of the lease. The grant with the highest number counts."""

    number: int
    token: str
    host: str
    pid: int
    process_started_unix_s: float
    purpose: str
    expires_unix_s: float


@contextlib.contextmanager
def lease(store: Store, purpose: str, *, length_s: float = LENGTH_S) -> Iterator[Lease]:
    """Holds the run's lease, renewing it in the background. Raises LeaseError while another process holds it."""
    held = Lease(store, _take(store, purpose, length_s), length_s)
    held.start()
    try:
        yield held
    finally:
        held.release()


def holder(store: Store) -> Grant | None:
    """Who holds the lease now; None where nobody does."""
    latest = _latest(store)
    return latest if latest is not None and _alive(latest) else None


def _take(store: Store, purpose: str, length_s: float) -> Grant:
    latest = _latest(store)
    if latest is not None and _alive(latest):
        raise _held_by(latest)
    grant = Grant(
        number=latest.number + 1 if latest else 1,
        token=secrets.token_hex(8),
        host=socket.gethostname(),
        pid=os.getpid(),
        process_started_unix_s=psutil.Process().create_time(),
        purpose=purpose,
        expires_unix_s=time.time() + length_s,
    )
    try:
        store.create(_path(grant.number), grant)
    except FileExistsError:
        raise _held_by(_latest(store) or grant) from None
    return grant


class Lease:
    """A grant that renews itself until it is released. A renewal is a new grant with the next number."""

    def __init__(self, store: Store, grant: Grant, length_s: float) -> None:
        self._store, self._grant, self._length_s = store, grant, length_s
        self._done = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._renew_until_done, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raises LeaseError where the lease was lost, as after a long sleep of this machine."""
        if self._lost or self._grant.expires_unix_s <= time.time():
            raise LeaseError(
                "this process lost the run's lease while it was suspended",
                hint="run `stratos up` again: it goes on where the run is now",
            )

    def release(self) -> None:
        self._done.set()
        self._thread.join()
        self._replace(expires_unix_s=0.0)

    def _renew_until_done(self) -> None:
        while not self._done.wait(self._length_s / 3):
            self._replace(expires_unix_s=time.time() + self._length_s)

    def _replace(self, *, expires_unix_s: float) -> None:
        renewed = self._grant.model_copy(update={"number": self._grant.number + 1, "expires_unix_s": expires_unix_s})
        try:
            self._store.create(_path(renewed.number), renewed)
        except FileExistsError:
            self._lost = True
            return
        self._grant = renewed
        for name in self._store.list(layout.LEASE)[:-_KEPT]:
            self._store.delete(f"{layout.LEASE}/{name}")


def _latest(store: Store) -> Grant | None:
    for name in reversed(store.list(layout.LEASE)):
        with contextlib.suppress(FileNotFoundError):
            return store.read_model(f"{layout.LEASE}/{name}", Grant)
    return None


def _alive(grant: Grant) -> bool:
    if grant.expires_unix_s <= time.time():
        return False
    if grant.host != socket.gethostname():
        return True
    try:
        started = psutil.Process(grant.pid).create_time()
    except psutil.NoSuchProcess:
        return False
    return abs(started - grant.process_started_unix_s) < 1.0


def _held_by(grant: Grant) -> LeaseError:
    return LeaseError(
        f"another process is changing this run: {grant.purpose}, process {grant.pid} on {grant.host}",
        hint="wait for it to end, or follow it with `stratos status` and `stratos logs -f`",
    )


def _path(number: int) -> str:
    return f"{layout.LEASE}/{number:08d}.json"
