"""Knows what predicts: one file per idea, one point-in-time join, one dictionary of all features."""
