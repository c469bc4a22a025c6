"""Pulumi programs of a run: a thin entry and typed components, one module a concern and cloud."""
