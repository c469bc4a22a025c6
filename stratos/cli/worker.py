"""`stratos worker`: does one job of a run. It is started by `up` and `probe`, not by hand."""

from __future__ import annotations

import click


@click.command(name="worker", hidden=True)
@click.argument("store_url")
@click.argument("job_name")
def command(store_url: str, job_name: str) -> None:
    """Do the job JOB_NAME of the run whose store is STORE_URL, or go on with it."""
    from stratos.distill.worker import run_job

    run_job(store_url, job_name)
