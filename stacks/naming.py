"""How a run's resources are named and tagged, so that everything of it can be found again."""

from __future__ import annotations

import re

RUN_TAG = "stratos-run"


def resource_name(run: str, part: str) -> str:
    """A name that S3 and Cloud Storage accept with the engine's own suffix behind it: stratos-RUN-PART, 55 at most."""
    longest = 55 - len("stratos--") - len(part)
    return f"stratos-{re.sub(r'[^a-z0-9]+', '-', run.lower())[:longest].strip('-')}-{part}"


def aws_tags(run: str) -> dict[str, str]:
    return {RUN_TAG: run, "managed-by": "stratos"}


def gcp_labels(run: str) -> dict[str, str]:
    """Labels take letters, digits, hyphens and underscores: anything else becomes an underscore."""
    return {RUN_TAG: re.sub(r"[^a-z0-9_-]", "_", run.lower())[:63], "managed-by": "stratos"}
