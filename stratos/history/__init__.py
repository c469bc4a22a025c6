"""Predicted against actual of every run: what recalibrates the estimates."""
