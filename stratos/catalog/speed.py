"""Measures this machine with numpy: FP32 matrix products and a large copy. Runs as a script in a process of its own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

GEMM_SIDE = 1024
COPY_BYTES = 128 * 2**20
SECONDS_EACH = 0.4


def compute_tflops() -> float:
    """FP32 rate of a square matrix product, best of several; numpy's own threads."""
    left, right = (np.full((GEMM_SIDE, GEMM_SIDE), value, np.float32) for value in (0.5, 0.25))
    out = np.empty_like(left)
    return 2 * GEMM_SIDE**3 / _best_seconds(lambda: np.matmul(left, right, out)) / 1e12


def bandwidth_gb_per_s(threads: int) -> float:
    """Bytes read and written by a copy far larger than the caches, split over `threads`, best of several."""
    parts = np.array_split(np.ones(COPY_BYTES // 4, np.float32), threads)
    copies = np.array_split(np.zeros(COPY_BYTES // 4, np.float32), threads)
    with ThreadPoolExecutor(threads) as pool:
        seconds = _best_seconds(lambda: list(pool.map(np.copyto, copies, parts)))
    return 2 * COPY_BYTES / seconds / 1e9


def _best_seconds(work: Callable[[], object]) -> float:
    work()
    best, end = float("inf"), time.perf_counter() + SECONDS_EACH
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    figures = {"compute_tflops": compute_tflops(), "memory_bandwidth_gb_per_s": bandwidth_gb_per_s(int(sys.argv[1]))}
    sys.stdout.write(json.dumps(figures))
