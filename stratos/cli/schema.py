"""`stratos schema`: the spec's JSON Schema."""

from __future__ import annotations

import click


@click.command(name="schema")
def command() -> None:
    """Print the JSON Schema of stratos.yaml, for editors and checks."""
    from stratos.cli.console import print_json
    from stratos.spec.schema import json_schema

    print_json(json_schema())
