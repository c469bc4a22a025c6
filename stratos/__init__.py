"""Stratos: from a task, a budget and a latency bound to a served small model that beats its teacher."""

__version__ = "0.1.0"
