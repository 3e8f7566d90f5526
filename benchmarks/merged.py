"""Figures into a flat JSON object that several benchmarks write: one's keys in place of its old ones, the rest kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pipelines import written

DECISIONS = Path("benchmarks/results/decisions.json")


def merge(path: Path, prefix: str | tuple[str, ...], found: Mapping[str, float]) -> None:
    """Keys that begin with `prefix` (or one of several) and stood there before are forgotten."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept = {key: value for key, value in known.items() if not key.startswith(prefix)}
    written.as_json(path, dict(sorted((kept | dict(found)).items())))
