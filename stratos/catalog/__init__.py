"""Offers of machines and cards of models: what the planner chooses among."""
