"""What a probe makes of a plan that was written without one."""

from __future__ import annotations

from stratos.lifecycle.planning import can_inject, slice_shares
from stratos.plan.model import Candidate, Coverage, Plan
from stratos.planner.coverage import decide as decide_mode
from stratos.tasks import load_task


def decide(plan: Plan, coverage: Coverage) -> tuple[Candidate, str]:
    """The plan's choice in the mode that the coverage decides, and the reason. Its figures are those of the plan."""
    task = load_task(plan.spec.task)
    decision = decide_mode(
        coverage,
        list(slice_shares(task)),
        plan.spec.constraints.min_accuracy,
        can_inject=can_inject(task),
    )
    planned = plan.other_mode if plan.other_mode and plan.other_mode.mode == decision.mode else plan.chosen
    changes = {"mode": decision.mode, "slice_modes": dict(decision.slice_modes)}
    return planned.model_copy(update=changes), decision.reason
