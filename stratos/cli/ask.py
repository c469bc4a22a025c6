"""`stratos ask`: one question to a served student."""

from __future__ import annotations

import sys

import click


@click.command(name="ask")
@click.argument("prompts", nargs=-1)
@click.option("--run", "name", help="The run; the only one unless given.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Longest answer, in tokens.")
@click.option("--json", "as_json", is_flag=True, help="Print the answers as JSON.")
def command(prompts: tuple[str, ...], name: str | None, max_tokens: int | None, as_json: bool) -> None:
    """Ask the run's student each PROMPT; without one, each line of standard input."""
    from stratos.cli.console import print_json
    from stratos.lifecycle.asking import ask
    from stratos.lifecycle.runs import existing

    run = existing(name)
    answers = []
    for prompt in prompts or (line.rstrip("\n") for line in sys.stdin):
        answer = ask(run, prompt, max_tokens)
        answers.append({"prompt": prompt, "answer": answer})
        if not as_json:
            click.echo(answer)
    if as_json:
        print_json({"run": run.name, "answers": answers})
