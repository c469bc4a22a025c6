"""The fixture that the gate's tests share."""

from __future__ import annotations

from endpoint_double import endpoint

__all__ = ["endpoint"]
