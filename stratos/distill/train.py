"""The training loop: from encoded data and a student to a trained student, through any number of kills."""

from __future__ import annotations

import hashlib
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers import PreTrainedModel

from stratos.distill import checkpoint
from stratos.distill.checkpoint import TrainState
from stratos.distill.encode import Batch, Encoded, Indices, Order
from stratos.distill.loss import summed_loss
from stratos.distill.optim import WARM_UP_STEPS, Optimizer, share_of_peak
from stratos.errors import BudgetError, StratosError
from stratos.job.contract import LossPoint
from stratos.spec.model import Training

CHECKPOINT_EVERY_S = 10.0
VALIDATIONS = 4
LARGEST_VALIDATION_SHARE = 0.03

_LARGEST_GRADIENT = 1.0
_QUICK_SAVING_S = 0.03 * CHECKPOINT_EVERY_S
_UNTIMED_STEPS = 3
_TIMING_S = 10.0
_LATEST_STEPS = 50
_PLANNED_SHARE = 0.95
_POINTS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a training from outside.

    seconds_left: until the deadline or the budget ends it; what_ends: which of them that is, in words; interrupted:
    whether the process was asked to stop.
    """

    seconds_left: Callable[[], float] = lambda: math.inf
    what_ends: Callable[[], str] = lambda: ""
    interrupted: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training came to."""

    steps: int
    points: tuple[LossPoint, ...]
    stopped_early: str


@dataclass(slots=True)
class Pace:
    """Times of the steps of this process."""

    durations: list[float] = field(default_factory=list)
    saved_at: float = field(default_factory=time.monotonic)
    saving_s: float = 0.0

    @property
    def step_s(self) -> float:
        return statistics.median(self.durations[_UNTIMED_STEPS:][-_LATEST_STEPS:] or self.durations)

    @property
    def known(self) -> bool:
        timed = self.durations[_UNTIMED_STEPS:]
        return len(timed) >= WARM_UP_STEPS - _UNTIMED_STEPS - 2 or sum(timed) > _TIMING_S

    def save_is_due(self, every_s: float) -> bool:
        """Saving that takes long becomes rarer, so that it stays below 3 % of the time."""
        return time.monotonic() - self.saved_at >= every_s * max(1.0, self.saving_s / _QUICK_SAVING_S)


def train(
    model: PreTrainedModel,
    data: Encoded,
    training: Training,
    *,
    pretrained: bool,
    checkpoints: Path,
    limits: Limits,
    validate: Callable[[], float] | None = None,
    validation_s: float = 0.0,
    checkpoint_every_s: float = CHECKPOINT_EVERY_S,
    on_step: Callable[[TrainState, float, float], None] = lambda *_: None,
) -> Trained:
    """Trains `model` in place; its last weights are the ones kept.

    The number of steps is `training.steps`, or decided once: as many as fit, by the time of the first ones, into
    `max_duration` and the limits. Where later ones are slower they are still made while the limits allow it, because
    the last ones, at small learning rates, are worth most. The number is saved before it is relied upon, so that a
    training killed at any step ends in the weights of one that was not. `on_step(state, tokens per second, seconds
    left)` is told of every step.

    Raises BudgetError where not one step can be made, StratosError where the loss is not finite.
    """
    order = Order(len(data), training.batch_size, training.seed)
    optimizer = Optimizer(model, training, pretrained=pretrained)
    fingerprint = _fingerprint(data, training, model)
    torch.manual_seed(training.seed)
    state = checkpoint.restore(checkpoints, fingerprint, model, optimizer)
    state = state or TrainState(fingerprint=fingerprint, total=training.steps)
    pace, stopped = Pace(), ""
    model.train()
    while state.total is None or state.step < state.total:
        if stopped := _why_stop(state, limits):
            break
        started = time.monotonic()
        chosen = order.rows(state.step)
        loss = _step(model, optimizer, data, chosen, share_of_peak(state.step, state.total))
        pace.durations.append(time.monotonic() - started)
        state = _advanced(state, loss, pace.durations[-1])
        decides = state.total is None and (pace.known or state.step == WARM_UP_STEPS)
        if decides:
            state = state.model_copy(update={"total": _affordable_steps(state, training, limits, pace.step_s)})
        if validate is not None and _validation_is_due(state, pace.step_s, validation_s):
            state = _validated(state, validate)
        if decides or pace.save_is_due(checkpoint_every_s) or state.step == state.total:
            _save(pace, checkpoints, state, model, optimizer)
        tokens_per_second = int(data.lengths[chosen].sum()) / pace.durations[-1]
        on_step(state, tokens_per_second, _seconds_left(state, training, limits, pace.step_s))
    if stopped:
        checkpoint.save(checkpoints, state, model, optimizer)
    return Trained(state.step, state.points, stopped)


def answer_logits(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Logits [n, vocabulary] of a batch's answer tokens only: the head is not run anywhere else.

    Padding lies behind every answer, so that a causal model needs no mask. What some architectures do behind the head
    (Cohere's logit_scale, Granite's logits_scaling, Gemma's final_logit_softcapping) is done here too.
    """
    hidden = model.base_model(input_ids=batch.tokens, use_cache=False).last_hidden_state
    assert hidden.shape[:2] == batch.tokens.shape
    logits: torch.Tensor = model.get_output_embeddings()(hidden[batch.rows, batch.columns])
    assert logits.shape[0] == len(batch.rows)
    if scale := getattr(model.config, "logit_scale", None):
        logits = logits * scale
    if divisor := getattr(model.config, "logits_scaling", None):
        logits = logits / divisor
    if cap := getattr(model.config, "final_logit_softcapping", None):
        logits = cap * torch.tanh(logits / cap)
    return logits


def _step(model: PreTrainedModel, optimizer: Optimizer, data: Encoded, chosen: Indices, share: float) -> float:
    """One update on the mean loss of all answer tokens of the chosen sequences, in one pass or several."""
    answer_tokens = int((data.lengths[chosen] - data.prompts[chosen]).sum())
    total = 0.0
    for part in data.passes(chosen):
        batch = data.batch(part).to(model.device)
        with torch.autocast(model.device.type, torch.bfloat16, enabled=model.device.type == "cuda"):
            logits = answer_logits(model, batch)
        loss = summed_loss(logits, batch.targets) / answer_tokens
        torch.autograd.backward(loss)
        total += loss.item()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), _LARGEST_GRADIENT).item()
    if not math.isfinite(total + norm):
        raise StratosError(
            f"training diverged: the loss is {total} and the gradient's norm {norm}",
            hint="lower training.learning_rate (a third, say) in a new run, or choose optimizer: adamw",
        )
    optimizer.step(share)
    return total


def _why_stop(state: TrainState, limits: Limits) -> str:
    """Why training has to end now, in words; empty while it may go on. Raises BudgetError before its first step."""
    if limits.interrupted():
        return "the process was asked to stop"
    if limits.seconds_left() > 0:
        return ""
    reason = limits.what_ends()
    if state.step == 0:
        raise BudgetError(
            f"no training step was made: {reason}", hint="give the run a longer deadline, or a larger budget"
        )
    return f"{reason}, after {state.step} of {state.total or 'as many as fit'} steps"


def _advanced(state: TrainState, loss: float, seconds: float) -> TrainState:
    """The state after one more step. The curve keeps about 200 points."""
    step = state.step + 1
    due = state.total is None or step % max(1, state.total // _POINTS) == 0 or step == state.total
    points = (*state.points, LossPoint(step=step, loss=loss)) if due else state.points
    trained_s = state.trained_s + seconds
    return state.model_copy(update={"step": step, "loss": loss, "trained_s": trained_s, "points": points})


def _affordable_steps(state: TrainState, training: Training, limits: Limits, step_s: float) -> int:
    """Steps of the whole training that fit; a margin is left, because steps may become slower."""
    seconds = _PLANNED_SHARE * _time_left(state, training, limits)
    if math.isinf(seconds):
        raise StratosError("nothing bounds this training", hint="set training.steps or training.max_duration")
    return max(state.step, state.step + int(seconds / step_s))


def _time_left(state: TrainState, training: Training, limits: Limits) -> float:
    longest = math.inf if training.max_duration is None else training.max_duration.total_seconds()
    return min(limits.seconds_left(), longest - state.trained_s)


def _seconds_left(state: TrainState, training: Training, limits: Limits, step_s: float) -> float:
    if state.total is None:
        return _time_left(state, training, limits)
    return min(limits.seconds_left(), (state.total - state.step) * step_s)


def _validation_is_due(state: TrainState, step_s: float, estimate_s: float) -> bool:
    """At each quarter, as long as all validations together stay below 3 % of the training."""
    if state.total is None:
        return False
    quarter = -(-state.total // VALIDATIONS)
    if state.step % quarter and state.step != state.total:
        return False
    done = sum(point.validation_accuracy is not None for point in state.points)
    next_s = state.validating_s / done if done else estimate_s
    return state.validating_s + next_s <= LARGEST_VALIDATION_SHARE * state.total * step_s


def _validated(state: TrainState, validate: Callable[[], float]) -> TrainState:
    started = time.monotonic()
    found = validate()
    validating_s = state.validating_s + time.monotonic() - started
    earlier = tuple(point for point in state.points if point.step < state.step)
    point = LossPoint(step=state.step, loss=state.loss, validation_accuracy=found)
    return state.model_copy(update={"points": (*earlier, point), "validating_s": validating_s})


def _save(pace: Pace, folder: Path, state: TrainState, model: PreTrainedModel, optimizer: Optimizer) -> None:
    started = time.monotonic()
    checkpoint.save(folder, state, model, optimizer)
    pace.saved_at = time.monotonic()
    pace.saving_s = pace.saved_at - started


def _fingerprint(data: Encoded, training: Training, model: PreTrainedModel) -> str:
    shapes = [f"{name} {tuple(parameter.shape)}" for name, parameter in model.named_parameters()]
    settings = training.model_dump_json(include={"steps", "batch_size", "optimizer", "learning_rate", "seed"})
    return hashlib.sha256("\n".join([data.fingerprint, settings, *shapes]).encode()).hexdigest()
