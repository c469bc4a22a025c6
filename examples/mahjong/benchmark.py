"""Prints the figures of the Mahjong example: one whole run in an empty home, from the plan to an answered request."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SPEC = Path(__file__).parent / "stratos.yaml"
HAND = "123m456p789s1122z"


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"STRATOS_HOME": home}
        started = time.perf_counter()
        up = stratos(environment, "up", "--spec", str(SPEC), "--yes", "--json")
        answer = stratos(environment, "ask", "--run", up["run"], "--json", HAND)
        seconds = time.perf_counter() - started
        report = stratos(environment, "report", "--run", up["run"], "--json")
        destroyed = stratos(environment, "destroy", "--run", up["run"], "--yes", "--json")
    print_figures(seconds, answer["answers"][0]["answer"], report, destroyed)


def stratos(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    """What a command of Stratos prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "stratos", *arguments], env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(f"stratos {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return dict(json.loads(done.stdout))


def print_figures(seconds: float, answer: str, report: dict[str, Any], destroyed: dict[str, Any]) -> None:
    verdict = report["verdict"]
    print(
        f"machine: {os.cpu_count()} CPUs, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    )
    chosen = report["plan"]["chosen"]
    print(f"chosen: {chosen['student']}, predicted {chosen['accuracy']['value']:.0%}, {chosen['examples']:,} examples")
    print(f"from plan to answered request: {seconds:.0f} s ({HAND} → {answer})")
    for who in ("student", "teacher"):
        share = verdict[who]["accuracy"]
        print(
            f"{who}: {verdict[who]['right']}/{verdict[who]['asked']} hands exactly right, {share['value']:.1%}"
            f" (95 % interval {share['low']:.1%} to {share['high']:.1%})"
        )
    print(f"lower end of the student over upper end of the teacher: {ratio(verdict):.1f}")
    print(f"spent: ${sum(report['spent_usd'].values()):.6f}; left after destroy: {len(destroyed['paths_left'])} paths")


def ratio(verdict: dict[str, Any]) -> float:
    return float(verdict["student"]["accuracy"]["low"] / verdict["teacher"]["accuracy"]["high"])


if __name__ == "__main__":
    main()
