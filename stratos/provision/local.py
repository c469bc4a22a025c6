"""The local target: a worker is a process of its own on this machine."""

from __future__ import annotations

from pathlib import Path

import psutil

from stratos.errors import StratosError
from stratos.job import processes
from stratos.plan.model import Plan

WORKER = "worker"


def require_room(plan: Plan, folder: Path) -> None:
    """Raises StratosError where this machine cannot hold what the plan will make now."""
    available_gib = psutil.virtual_memory().available / 2**30
    if plan.chosen.training_memory_gib > available_gib:
        raise StratosError(
            f"training needs {plan.chosen.training_memory_gib:.1f} GiB of memory, {available_gib:.1f} GiB is free",
            hint="close other programs, or plan a smaller student",
        )
    checkpoints_gib = 6 * plan.student_card.params * 4 / 2**30
    free_gib = psutil.disk_usage(str(folder)).free / 2**30
    if checkpoints_gib > free_gib:
        raise StratosError(
            f"checkpoints and artifact need {checkpoints_gib:.1f} GiB of disk, {free_gib:.1f} GiB is free",
            hint="free some disk, or set STRATOS_HOME to a larger one",
        )


def ensure_worker(run_id: str, store_url: str, job: str, log: Path) -> int:
    """The process id of the job's worker: the one that lives, or a new one."""
    role = f"{WORKER}:{job}"
    alive = processes.tagged(run_id, role)
    if alive:
        return int(alive[0].pid)
    return processes.start(run_id, role, ["-m", "stratos", "worker", store_url, job], log)


def is_alive(pid: int) -> bool:
    """Whether the worker still runs."""
    if processes.exit_code(pid) is not None:
        return False
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
