"""How well a student answers by its own greedy tokens."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stratos.models.teacher import TeacherModel
from stratos.tasks.base import Example, Task


def complete(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], max_new_tokens: int
) -> list[str]:
    """Greedy answers to raw prompts, in batches padded on the left, with cached keys and values.

    The model's training mode is as it was before. Raises SpecError where no prompt fits into the model's context.
    """
    was_training = model.training
    try:
        return TeacherModel(model, tokenizer).complete(prompts, max_new_tokens)
    finally:
        model.train(was_training)


def accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    task: Task,
    examples: Sequence[Example],
    max_new_tokens: int,
) -> float:
    """Share of the examples that the student answers rightly, as the task's verifier judges."""
    completions = complete(model, tokenizer, [example.prompt for example in examples], max_new_tokens)
    right = sum(task.verify(example, text) for example, text in zip(examples, completions, strict=True))
    return right / len(examples)
