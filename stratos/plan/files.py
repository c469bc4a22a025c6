"""A plan in a file: written with its hash, refused when it was changed or fits another spec."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from pydantic import ValidationError

from stratos.errors import IntegrityError, SpecError
from stratos.plan.model import Plan
from stratos.spec.model import Spec


def save_plan(plan: Plan, path: Path) -> None:
    """Writes the plan and its SHA-256 as one JSON file, whole or not at all. Raises SpecError where it cannot."""
    content = {"sha256": plan.content_hash(), "plan": plan.model_dump(mode="json")}
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SpecError(f"{path}: cannot be written: {error.strerror}", hint="name another file with --out") from error


def load_plan(path: Path) -> Plan:
    """The plan in the file. Raises SpecError where it is none, IntegrityError where it was changed since."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        saved_hash, saved_plan = content["sha256"], content["plan"]
    except OSError as error:
        raise SpecError(
            f"{path}: cannot be read: {error.strerror}", hint="`stratos plan --out FILE` writes a plan"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SpecError(f"{path} is not a plan file", hint="`stratos plan --out FILE` writes a plan") from error
    if isinstance(saved_plan, dict) and saved_plan.get("schema_version") != 1:
        version = saved_plan.get("schema_version")
        raise SpecError(f"{path} has plan version {version!r}, this Stratos reads 1", hint="plan again")
    try:
        plan = Plan.model_validate(saved_plan)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise IntegrityError(f"{path}: plan.{place} is not as Stratos wrote it", hint="plan again") from error
    if plan.content_hash() != saved_hash:
        raise IntegrityError(
            f"{path} was changed after it was written", hint="plan again; change the spec, not the plan"
        )
    return plan


def check_spec(plan: Plan, spec: Spec) -> None:
    """Raises SpecError where the plan was made for another spec, naming what differs."""
    if plan.spec == spec:
        return
    changed = [name for name in Spec.model_fields if getattr(plan.spec, name) != getattr(spec, name)]
    raise SpecError(
        f"the spec has changed since the plan was made: {', '.join(changed)}",
        hint="plan again with `stratos plan --out FILE`, or bring the spec back",
    )
