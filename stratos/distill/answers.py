"""The teacher's answers to prompts of the gate. Nothing is chosen by them: they are written down for the gate."""

from __future__ import annotations

from collections.abc import Callable

from stratos.distill.work import Work
from stratos.job import layout
from stratos.job.contract import TeacherAnswer, TeacherAnswers
from stratos.models.teacher import BATCH_ROWS, TeacherModel

_SHARE_OF_TIME = 0.5
_SO_FAR = f"{layout.DATA}/teacher_answers.json"


def answer_gate(work: Work, teacher: Callable[[], TeacherModel]) -> None:
    """Writes layout.TEACHER_ANSWERS, batch by batch; goes on where a killed worker was.

    It takes at most half of the time that is left; then the gate gets the answers that are there.
    """
    if work.store.exists(layout.TEACHER_ANSWERS):
        return
    prompts = [example.prompt for example in work.held_out.gate[: work.job.gate_examples]]
    answers = list(work.store.read_model(_SO_FAR, TeacherAnswers).answers) if work.store.exists(_SO_FAR) else []
    until_s = work.seconds_left() * (1 - _SHARE_OF_TIME)
    while len(answers) < len(prompts):
        if answers and work.seconds_left() <= until_s:
            work.pulse.note(f"the teacher answered {len(answers)} of {len(prompts)} prompts: training needs the time")
            break
        work.pulse.update("labelling", len(answers), len(prompts))
        batch = prompts[len(answers) : len(answers) + BATCH_ROWS]
        completions = teacher().complete(batch, work.job.latency_tokens)
        answers += [TeacherAnswer(prompt=p, completion=c) for p, c in zip(batch, completions, strict=True)]
        work.store.write(_SO_FAR, TeacherAnswers(answers=tuple(answers)))
    work.store.write(layout.TEACHER_ANSWERS, TeacherAnswers(answers=tuple(answers)))
    work.store.delete(_SO_FAR)
