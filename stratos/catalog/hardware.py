"""Peaks of GPUs and of rented CPUs: dense compute and memory bandwidth by type."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# One vCPU of an x86 server is half a core: 2 AVX2 FMA units x 8 lanes x 2 operations x 2.7 GHz / 2.
CPU_TFLOPS_PER_VCPU = 0.043
# A socket of 8 channels of DDR4-3200 (204.8 GB/s) is shared by the 64 vCPUs of its 32 cores.
CPU_BANDWIDTH_GB_PER_S_PER_VCPU = 3.2
CPU_SOURCE = "CPU peaks: AVX2 at 2.7 GHz and DDR4-3200, a share per vCPU"

_MEMORY_TOLERANCE = 0.1


@dataclass(frozen=True)
class Peaks:
    """What one GPU can do at best. `compute_tflops` is dense BF16 (FP16 where the GPU has no BF16)."""

    gpu_name: str
    form: str
    memory_gib: float
    compute_tflops: float
    fp8_tflops: float | None
    memory_bandwidth_gb_per_s: float
    nvlink: str
    source: str


def gpu_peaks(gpu_name: str, memory_gib: float, instance: str) -> Peaks | None:
    """Peaks of one GPU as gpuhunt names it; the instance's name tells PCIe from SXM. None where they are not known."""
    for pattern, peaks in _table().get(gpu_name.casefold(), ()):
        near = abs(peaks.memory_gib - memory_gib) <= _MEMORY_TOLERANCE * peaks.memory_gib
        if near and pattern.search(instance):
            return peaks
    return None


def cpu_compute_tflops(cpus: int) -> float:
    """FP32 peak of a rented machine without a GPU."""
    return cpus * CPU_TFLOPS_PER_VCPU


def cpu_bandwidth_gb_per_s(cpus: int) -> float:
    """Memory bandwidth of a rented machine without a GPU."""
    return cpus * CPU_BANDWIDTH_GB_PER_S_PER_VCPU


@cache
def _table() -> dict[str, list[tuple[re.Pattern[str], Peaks]]]:
    table: dict[str, list[tuple[re.Pattern[str], Peaks]]] = {}
    with open(Path(__file__).parent / "hardware.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pattern = re.compile(row["instance_pattern"], re.IGNORECASE)
            table.setdefault(row["gpu_name"].casefold(), []).append((pattern, _peaks(row)))
    return table


def _peaks(row: dict[str, str]) -> Peaks:
    return Peaks(
        gpu_name=row["gpu_name"],
        form=row["form"],
        memory_gib=float(row["memory_gib"]),
        compute_tflops=float(row["bf16_dense_tflops"]),
        fp8_tflops=float(row["fp8_dense_tflops"]) if row["fp8_dense_tflops"] else None,
        memory_bandwidth_gb_per_s=float(row["memory_bandwidth_gb_per_s"]),
        nvlink=row["nvlink"],
        source=row["source"],
    )
