"""The data phase: injected examples, and questions that the teacher answered, as the slices' modes say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from stratos.distill.inject import Drawn, Wanted, inject, questions
from stratos.distill.label import Labelled, label
from stratos.distill.teacher_cache import Record, read_shards
from stratos.distill.work import Work
from stratos.errors import BudgetError, StratosError
from stratos.job import layout
from stratos.job.contract import DataReport
from stratos.models.teacher import TeacherModel

INJECTED, ALIGNED = "injected", "aligned"
_SHARE_OF_TIME = 0.5


def aligns(work: Work) -> bool:
    """Whether the job has a slice that the teacher covers."""
    return "alignment" in work.job.slice_modes.values()


def prepare(work: Work, teacher: Callable[[], TeacherModel], *, with_distributions: bool) -> list[Record]:
    """Everything to train on, kept in the run's data folder; a data phase that was ended is not begun again.

    Raises StratosError where there is nothing to train on, BudgetError where there was no time for it.
    """
    folder = work.folder / layout.DATA
    if work.store.exists(layout.DATA_REPORT):
        return read_shards(folder / INJECTED) + read_shards(folder / ALIGNED)
    labelled, asked = _label(work, teacher, with_distributions) if aligns(work) else (Labelled(0, 0, True), Drawn([]))
    injected = _inject(work)
    aligned = read_shards(folder / ALIGNED)
    records = [Record(e.prompt, e.answer, e.slice, "injection") for e in injected.examples] + aligned
    if not records:
        raise _nothing(work, labelled)
    work.store.write(layout.DATA_REPORT, _report(records, injected.dropped + asked.dropped, labelled))
    return records


def _label(work: Work, teacher: Callable[[], TeacherModel], with_distributions: bool) -> tuple[Labelled, Drawn]:
    """The teacher answers questions of the aligned slices, for at most half of the time that is left."""
    job = work.job
    wanted = Wanted("alignment", job.slice_modes)
    asked = questions(work.task, work.held_out, wanted, count=_share(job.examples, wanted), seed=job.training.seed)
    until_s = work.seconds_left() * (1 - _SHARE_OF_TIME)
    labelled = label(
        teacher(),
        work.task,
        asked.examples,
        top_k=job.training.top_k,
        max_new_tokens=job.latency_tokens,
        folder=work.folder / layout.DATA / ALIGNED,
        with_distributions=with_distributions,
        on_progress=work.pulse.counter("labelling", len(asked.examples)),
        stop=lambda: work.seconds_left() <= until_s,
    )
    if not labelled.complete:
        work.pulse.note(f"labelling ended after {labelled.asked} questions: training needs the time that is left")
    return labelled, asked


def _inject(work: Work) -> Drawn:
    wanted = Wanted("injection", work.job.slice_modes)
    if wanted.slice_modes and not wanted.slices:
        return Drawn([])
    count = _share(work.job.examples, wanted)
    until_s = work.seconds_left() * (1 - _SHARE_OF_TIME)
    return inject(
        work.task,
        work.held_out,
        wanted,
        count=count,
        seed=work.job.training.seed,
        folder=work.folder / layout.DATA / INJECTED,
        on_progress=work.pulse.counter("synthesising", count),
        stop=lambda: work.seconds_left() <= until_s,
    )


def _share(examples: int, wanted: Wanted) -> int:
    """A mode's part of the examples, by its number of slices; everything where no slice has a mode."""
    if not wanted.slice_modes:
        return examples
    return max(1, examples * wanted.slices // len(wanted.slice_modes))


def _nothing(work: Work, labelled: Labelled) -> StratosError:
    if work.seconds_left() <= 0:
        return BudgetError(
            f"nothing was prepared to train on: {work.what_ends()}", hint="give a longer deadline or a larger budget"
        )
    if labelled.asked:
        return StratosError(
            f"the teacher answered none of {labelled.asked} questions rightly",
            hint="probe it again: injection suits what a teacher does not know",
        )
    return StratosError(
        "the task gives nothing to train on that is verified and not held out",
        hint="give it training examples, or a synthesiser that makes other examples than the held-out ones",
    )


def _report(records: Sequence[Record], dropped: Counter[str], labelled: Labelled) -> DataReport:
    modes = Counter(record.mode for record in records)
    return DataReport(
        injected=modes["injection"],
        aligned=modes["alignment"],
        dropped_exact_duplicates_of_held_out=dropped["exact"],
        dropped_near_duplicates_of_held_out=dropped["near"],
        dropped_repeats=dropped["repeat"],
        rejected_by_verifier=dropped["rejected"] + labelled.rejected,
        by_slice=dict(sorted(Counter(record.slice for record in records).items())),
    )
