"""The CrossGuard pack: the rules, handed to Pulumi's engine. `pulumi preview --policy-pack policies` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

sys.path.append(str(Path(__file__).resolve().parent.parent))

from policies.rules import RULES, Rule


def pack_policies() -> list[Policy]:
    """One policy a rule."""
    return [_policy(rule) for rule in RULES]


def _policy(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        for message in rule.check(args.resource_type, args.props, args.name):
            report_violation(message, None)

    return ResourceValidationPolicy(name=rule.name, description=rule.description, validate=validate)


if __name__ == "__main__":
    PolicyPack(name="stratos", enforcement_level=EnforcementLevel.MANDATORY, policies=pack_policies())
