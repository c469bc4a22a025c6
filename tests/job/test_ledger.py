"""The ledger loses no event, whoever appends at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from stratos.job.ledger import Ledger
from stratos.job.store import Store

_APPEND = """
import sys
from stratos.job.ledger import Ledger
from stratos.job.store import Store
for i in range(40):
    Ledger(Store(sys.argv[1])).append("tick", {"who": sys.argv[2], "i": i})
"""


def test_events_come_back_in_order(tmp_path: Path) -> None:
    ledger = Ledger(Store(str(tmp_path)))
    ledger.append("planned", {"usd": 1.5})
    ledger.append("served")
    assert [(event.number, event.kind) for event in ledger.events()] == [(1, "planned"), (2, "served")]
    last = ledger.last("planned")
    assert last is not None
    assert last.data == {"usd": 1.5}
    assert ledger.last("destroyed") is None


def test_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    appenders = [subprocess.Popen([sys.executable, "-c", _APPEND, str(tmp_path), who]) for who in ("a", "b", "c")]
    assert [appender.wait() for appender in appenders] == [0, 0, 0]
    events = Ledger(Store(str(tmp_path))).events()
    assert [event.number for event in events] == list(range(1, 121))
    for who in ("a", "b", "c"):
        assert [event.data["i"] for event in events if event.data["who"] == who] == list(range(40))
