"""The `local` offer: this machine, measured once, cached, priced by the target."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from stratos import home
from stratos.catalog.types import Offer
from stratos.errors import IntegrityError, StratosError
from stratos.job.store import Store
from stratos.spec.model import Frozen, LocalTarget

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_SLOWING_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_PATIENCE_S = 60


class Machine(Frozen):
    """What a measurement is valid for."""

    cpu_model: str
    cores: int = Field(ge=1)
    threads: int = Field(ge=1)
    numpy_version: str

    def fingerprint(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class LocalSpeed(Frozen):
    """A measurement of this machine."""

    machine: Machine
    compute_tflops: float = Field(gt=0, description="FP32 matrix product.")
    memory_bandwidth_gb_per_s: float = Field(gt=0, description="Read plus written by a large copy.")
    measured_on: str = Field(description="UTC date.")


def local_offer(target: LocalTarget) -> Offer:
    """This machine with the target's threads and price. Measures for about a second, the first time only."""
    cores = _cores()
    threads = target.threads or cores
    speed = local_speed(threads)
    return Offer(
        id=f"local/here/{threads}-threads",
        provider="local",
        region="here",
        instance=f"{threads}-threads",
        price_usd_per_hour=target.usd_per_hour,
        cpus=min(threads, cores),
        memory_gib=round(_memory_bytes() / 2**30, 2),
        compute_tflops=speed.compute_tflops,
        memory_bandwidth_gb_per_s=speed.memory_bandwidth_gb_per_s,
        as_of=speed.measured_on,
        source=f"price: the spec; speed: measured on {speed.machine.cpu_model}",
    )


def local_speed(threads: int) -> LocalSpeed:
    """Speed with so many threads: from the cache, or measured and cached. Raises StratosError where it cannot be."""
    machine = Machine(
        cpu_model=_cpu_model(),
        cores=_cores(),
        threads=threads,
        numpy_version=importlib.metadata.version("numpy"),
    )
    store, name = Store(str(home.cache())), f"local-{machine.fingerprint()}.json"
    with contextlib.suppress(FileNotFoundError, IntegrityError):
        cached = store.read_model(name, LocalSpeed)
        if cached.machine == machine:
            return cached
    measured = _measure(machine)
    store.write(name, measured)
    return measured


def _measure(machine: Machine) -> LocalSpeed:
    """In a process of its own: thread counts are read when numpy loads, and a forced core type would slow it."""
    environment = {name: value for name, value in os.environ.items() if name not in _SLOWING_VARIABLES}
    environment |= dict.fromkeys(_THREAD_VARIABLES, str(machine.threads))
    command = [sys.executable, "-P", str(Path(__file__).with_name("speed.py")), str(machine.threads)]
    hint = "try again; give `threads` in the local target where this machine allows fewer"
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
        figures = json.loads(done.stdout)
        return LocalSpeed(machine=machine, measured_on=datetime.now(UTC).date().isoformat(), **figures)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
        raise StratosError(f"this machine's speed could not be measured: {last}", hint=hint) from error
    except (subprocess.TimeoutExpired, ValueError, ValidationError) as error:
        raise StratosError(f"this machine's speed could not be measured: {error}", hint=hint) from error


def _cores() -> int:
    """CPUs that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    """This machine's memory, or its control group's limit where that is less."""
    import psutil

    total = int(psutil.virtual_memory().total)
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return total
