"""`stratos up`: from a spec or a reviewed plan to a served student."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stratos.errors import SpecError

if TYPE_CHECKING:
    from stratos.job.contract import Endpoint
    from stratos.lifecycle.runs import Run
    from stratos.plan.model import Plan


@click.command(name="up")
@click.option("--spec", "spec_path", type=click.Path(path_type=Path), help="The spec; stratos.yaml unless given.")
@click.option("--plan", "plan_path", type=click.Path(path_type=Path), help="Run exactly this reviewed plan.")
@click.option("--run", "name", help="Name of the run; the spec's name unless given.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before spending.")
@click.option("--detach", "-d", is_flag=True, help="Work in the background (needs --yes or --plan).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    spec_path: Path | None, plan_path: Path | None, name: str | None, yes: bool, detach: bool, as_json: bool
) -> None:
    """Probe, plan, distil, gate and serve. Run it again after any interruption: it goes on where it was."""
    from stratos.cli.progress import shown
    from stratos.lifecycle.up import up

    run, plan = _run_and_plan(spec_path, plan_path, name)
    if detach:
        _detach(run, plan_path, allowed=yes or plan is not None, as_json=as_json)
        return
    with shown(silent=as_json) as progress:
        endpoint = up(run, plan, _confirm(yes or plan is not None, as_json), progress)
    _print(run.name, endpoint, as_json)


def _run_and_plan(spec_path: Path | None, plan_path: Path | None, name: str | None) -> tuple[Run, Plan | None]:
    from stratos.lifecycle.runs import find, open_or_create
    from stratos.plan.files import check_spec, load_plan
    from stratos.spec.load import load_spec

    beside = Path("stratos.yaml")
    if plan_path is not None:
        plan = load_plan(plan_path)
        if spec_path is not None or beside.exists():
            check_spec(plan, load_spec(spec_path or beside))
        return open_or_create(name or plan.spec.name, plan.spec), plan
    begun = find(name) if name is not None and spec_path is None else None
    if begun is not None:
        return open_or_create(begun.name, begun.spec), None
    spec = load_spec(spec_path or beside)
    return open_or_create(name or spec.name, spec), None


def _confirm(allowed: bool, as_json: bool) -> Callable[[Plan], None]:
    from stratos.cli.console import confirm
    from stratos.cli.plan import show_plan

    def ask(plan: Plan) -> None:
        if not as_json:
            show_plan(plan)
        confirm(f"Spend up to ${plan.chosen.cost_usd.high:.4f} on this plan?", yes=allowed)

    return ask


def _detach(run: Run, plan_path: Path | None, *, allowed: bool, as_json: bool) -> None:
    """Goes on in a process of its own, which the lease keeps from meeting another."""
    from stratos.cli.console import print_json
    from stratos.job import processes

    if not allowed:
        raise SpecError("--detach has nobody to ask", hint="add --yes, or run a reviewed plan with --plan FILE")
    plan = ["--plan", str(plan_path.resolve())] if plan_path else []
    arguments = ["-m", "stratos", "up", "--run", run.name, "--yes", *plan]
    pid = processes.start(run.id, "up", arguments, run.log("up"))
    if as_json:
        print_json({"run": run.name, "pid": pid, "log": str(run.log("up"))})
        return
    click.echo(f"run {run.name} goes on in the background, process {pid}")
    click.echo(f"follow it with `stratos status --run {run.name}` and `stratos logs -f --run {run.name}`")


def _print(name: str, endpoint: Endpoint, as_json: bool) -> None:
    from stratos.cli.console import print_json

    if as_json:
        print_json({"run": name, "endpoint": endpoint.model_dump()})
        return
    click.echo(f"served: {endpoint.url}/v1 (model {endpoint.model})")
    click.echo(f"ask it:  stratos ask --run {name} PROMPT")
    click.echo(f"end it:  stratos destroy --run {name}")
