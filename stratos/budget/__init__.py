"""The meter: what was spent, what is left, when to stop."""
