"""Figures into benchmarks/results/propensity.json, and docs/benchmarks.md from all that is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.quality import table
from pipelines import written

RESULTS = Path("benchmarks/results/propensity.json")
PAGE = Path("docs/benchmarks.md")


def merge(topic: str, found: Mapping[str, float | int | str | bool]) -> None:
    """The keys that begin with `topic.`, in place of the old ones; those of other topics stay."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    others = {key: value for key, value in known.items() if not key.startswith(f"{topic}.")}
    merged = dict(sorted((others | dict(found)).items()))
    written.as_json(RESULTS, merged)
    written.text(PAGE, table.markdown(merged))
