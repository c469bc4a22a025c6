"""`stratos schema`: the spec's JSON Schema."""

from __future__ import annotations

import click


@click.command(name="schema")
def command() -> None:
    """Print the JSON Schema of stratos.yaml, for editors and checks."""
    from stratos.cli.console import print_json
    from stratos.spec.model import Spec

    print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **Spec.model_json_schema()})
