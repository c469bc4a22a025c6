"""The saved plan: what `up` will do, to the digit; round-trips through JSON; content hash."""
