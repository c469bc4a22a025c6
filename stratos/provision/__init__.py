"""Where a plan runs: today this machine."""
