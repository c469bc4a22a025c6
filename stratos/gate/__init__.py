"""The gate: a student that misses its bar is never served."""
