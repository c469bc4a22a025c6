"""What the user asks for: YAML in, frozen objects out."""

from stratos.spec.model import (
    CloudTarget,
    Constraints,
    Electricity,
    JsonlTask,
    Load,
    LocalTarget,
    MahjongTask,
    Spec,
    Student,
    StudentShape,
    Target,
    TaskSpec,
    Teacher,
    Training,
    Weights,
)

__all__ = [
    "CloudTarget",
    "Constraints",
    "Electricity",
    "JsonlTask",
    "Load",
    "LocalTarget",
    "MahjongTask",
    "Spec",
    "Student",
    "StudentShape",
    "Target",
    "TaskSpec",
    "Teacher",
    "Training",
    "Weights",
]
