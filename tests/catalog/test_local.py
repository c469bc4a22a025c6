"""This machine as an offer: measured once, cached by what it depends on, priced by the target."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stratos.catalog.local import Machine, local_offer
from stratos.catalog.offers import survey
from stratos.spec.model import Electricity, LocalTarget


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path))
    return tmp_path / "cache"


def test_it_is_measured_once_and_again_when_the_cache_is_corrupt(cache: Path) -> None:
    target = LocalTarget(provider="local", price_usd_per_hour=0.1, threads=1)
    first = local_offer(target)
    (file,) = cache.iterdir()
    written = file.stat().st_mtime_ns
    assert local_offer(target) == first
    assert file.stat().st_mtime_ns == written
    file.write_text(file.read_text()[:40])
    again = local_offer(target)
    assert list(cache.iterdir()) == [file]
    assert again.compute_tflops > 0
    assert file.stat().st_mtime_ns != written
    assert local_offer(target) == again


def test_its_figures_are_of_this_machine_and_survive_a_forced_core_type(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "no such core")
    monkeypatch.setenv("OMP_NUM_THREADS", "not a number")
    threads = (os.cpu_count() or 1) + 1
    target = LocalTarget(provider="local", electricity=Electricity(watts=200, usd_per_kwh=0.3), threads=threads)
    found = survey([target])
    (offer,) = found.offers
    assert offer.id == f"local/here/{threads}-threads"
    assert offer.price_usd_per_hour == pytest.approx(0.06)
    assert offer.cpus < threads
    assert f"{threads} threads" in found.notes[0]
    assert offer.memory_gib > 0.1
    assert 1e-4 < offer.compute_tflops < 100
    assert 0.1 < offer.memory_bandwidth_gb_per_s < 10_000
    assert len(list(cache.iterdir())) == 1


def test_a_measurement_is_valid_for_one_machine_thread_count_and_numpy() -> None:
    machine = Machine(cpu_model="a", cores=2, threads=2, numpy_version="2")
    others = [{"cpu_model": "b"}, {"cores": 4}, {"threads": 1}, {"numpy_version": "3"}]
    assert len({machine.model_copy(update=o).fingerprint() for o in [{}, *others]}) == 5
