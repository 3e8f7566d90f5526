"""Knows how to learn: propensity, tuning, calibration, explanation, evaluation. Knows nothing of accounts."""
