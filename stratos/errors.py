"""Every error that Stratos raises on purpose: what is wrong, what to do next, and the exit code."""

from __future__ import annotations


class StratosError(Exception):
    """Something the user can act on. The CLI prints it without a traceback and exits with `exit_code`."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SpecError(StratosError):
    """The spec, a plan file or an argument is wrong."""

    exit_code = 2


class InfeasibleError(StratosError):
    """No candidate meets the constraints."""

    exit_code = 3


class GateError(StratosError):
    """The student missed its bar and is not served."""

    exit_code = 4


class PolicyError(StratosError):
    """A mandatory policy is violated."""

    exit_code = 5


class BudgetError(StratosError):
    """Going on would pass the budget or the deadline."""

    exit_code = 6


class LeaseError(StratosError):
    """Another process is changing this run."""

    exit_code = 7


class IntegrityError(StratosError):
    """A file is not what its hash says, or cannot be trusted."""

    exit_code = 8
