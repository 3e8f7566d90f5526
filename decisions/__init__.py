"""Knows what to do: gates, value, ranking, capacity, holdout."""
