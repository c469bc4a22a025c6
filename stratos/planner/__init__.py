"""Pure functions from spec, offers, cards and coverage to a plan: no network, no clock, no torch."""
