"""Draws README's frontier: the plan of this folder's spec, as SVG beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from stratos.lifecycle.planning import plan_from_spec
from stratos.report.frontier import frontier_svg
from stratos.spec.load import load_spec

FOLDER = Path(__file__).parent


def main() -> None:
    plan = plan_from_spec(load_spec(FOLDER / "stratos.yaml"), datetime.now(UTC))
    (FOLDER / "frontier.svg").write_text(frontier_svg(plan) + "\n")
    print(f"{plan.considered} candidates, {len(plan.frontier)} on the frontier; chosen: {plan.chosen.id}")


if __name__ == "__main__":
    main()
