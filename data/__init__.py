"""Knows tables: the contract and its checks, sources, catalogue, simulator, as-of calendar, labels, splits."""
