"""`up`: from a spec or a plan to a served student, in steps that each go on where a killed one left off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from stratos.budget import meter
from stratos.errors import SpecError
from stratos.job import layout
from stratos.job.contract import Endpoint, Manifest
from stratos.job.lease import Lease, lease
from stratos.lifecycle import distilling, gating, probing, recording
from stratos.lifecycle.deciding import decide
from stratos.lifecycle.planning import plan_from_spec
from stratos.lifecycle.progress import Progress
from stratos.lifecycle.runs import Run
from stratos.lifecycle.spending import decided_candidate, saved_plan, spent_by
from stratos.plan.model import Candidate, Plan
from stratos.provision import local

Confirm = Callable[[Plan], None]


@dataclass(frozen=True, slots=True)
class Up:
    """One call of `up` on one run."""

    run: Run
    lease: Lease
    progress: Progress

    def begin(self, step: str) -> None:
        """Names a step in the ledger before it starts; raises LeaseError where the lease was lost."""
        self.lease.check()
        self.run.ledger.append("started", {"step": step})
        self.progress.say(step)

    def end(self, step: str, **data: object) -> None:
        self.run.ledger.append("done", {"step": step, **data})


def up(run: Run, reviewed: Plan | None, confirm: Confirm, progress: Progress) -> Endpoint:
    """Brings the run to a served student and returns its endpoint.

    `reviewed` is the plan to run exactly; without one the teachers are probed and a plan is made. `confirm` is shown
    the plan before anything is spent on training, and raises to stop.
    Raises InfeasibleError, GateError, BudgetError, LeaseError, SpecError, StratosError.
    """
    with lease(run.store, "up") as held:
        call = Up(run, held, progress)
        plan = _plan(call, reviewed, confirm)
        _require_local(plan)
        decided = _decide(call, plan)
        local.require_room(plan, run.folder)
        manifest = _distil(call, plan, decided)
        call.begin("gate")
        verdict = gating.ensure_verdict(run, plan, decided, manifest, progress)
        call.end("gate", passed=verdict.passed)
        recording.record_outcome(run, plan, decided, verdict)
        gating.require_passed(run, verdict, decided.offer.price_usd_per_hour)
        call.begin("serve")
        endpoint = gating.ensure_open(run, plan, manifest, progress)
        call.end("serve", url=endpoint.url)
        return endpoint


def _plan(call: Up, reviewed: Plan | None, confirm: Confirm) -> Plan:
    saved = saved_plan(call.run)
    if saved is not None:
        if reviewed is not None and reviewed.content_hash() != saved.content_hash():
            raise SpecError(
                f"run {call.run.name!r} already works to another plan",
                hint=f"run this plan under another name with `--run OTHER`, or `stratos destroy --run {call.run.name}`",
            )
        return saved
    plan = reviewed if reviewed is not None else _probe_and_plan(call)
    confirm(plan)
    call.run.store.create(layout.PLAN, plan)
    call.end("plan", sha256=plan.content_hash(), chosen=plan.chosen.id)
    return plan


def _probe_and_plan(call: Up) -> Plan:
    spec = call.run.spec
    first = plan_from_spec(spec, datetime.now(UTC))
    if first.chosen.offer.provider == "local":
        call.begin("probe")
        for teacher in spec.teachers:
            probing.ensure_coverage(
                call.run.store, call.run.id, call.run.log("worker"), spec, teacher, first.chosen.offer, call.progress
            )
        call.end("probe")
    call.begin("plan")
    return plan_from_spec(spec, datetime.now(UTC))


def _decide(call: Up, plan: Plan) -> Candidate:
    """The plan's choice; where it was made without coverage, in the mode that a probe decides now."""
    saved = decided_candidate(call.run)
    if saved is not None:
        return saved
    if plan.coverage is not None:
        decided, reason = plan.chosen, plan.reasons[0]
    else:
        decided, reason = _probe_and_decide(call, plan)
    call.run.store.create(layout.DECIDED, decided)
    call.run.ledger.append("decided", {"mode": decided.mode, "slice_modes": decided.slice_modes, "reason": reason})
    return decided


def _probe_and_decide(call: Up, plan: Plan) -> tuple[Candidate, str]:
    call.begin("probe")
    teacher = next(teacher for teacher in plan.spec.teachers if teacher.name == plan.chosen.teacher)
    coverage = probing.ensure_coverage(
        call.run.store, call.run.id, call.run.log("worker"), plan.spec, teacher, plan.chosen.offer, call.progress
    )
    decided, reason = decide(plan, coverage)
    call.end("probe", overall=coverage.overall.share.value)
    call.progress.say(reason)
    return decided, reason


def _distil(call: Up, plan: Plan, decided: Candidate) -> Manifest:
    call.begin("distil")
    price = decided.offer.price_usd_per_hour
    spent_usd = spent_by(call.run, price).total
    if not call.run.store.exists(layout.MANIFEST):
        upcoming = decided.dollars.total - decided.dollars.probe - decided.dollars.training
        meter.require(spent_usd, upcoming, plan.spec.constraints.budget_usd, "gate, storage and hosting")
    manifest = distilling.distil(call.run, plan, decided, spent_usd, call.progress)
    call.end("distil", steps=manifest.steps, stopped_early=manifest.stopped_early)
    return manifest


def _require_local(plan: Plan) -> None:
    if plan.chosen.offer.provider != "local":
        raise SpecError(
            f"the plan's machine is {plan.chosen.offer.id}; this version brings up only `local`",
            hint="add a `local` target, or keep the plan for review (`stratos plan --out FILE`)",
        )
