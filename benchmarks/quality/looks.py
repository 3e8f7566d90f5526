"""Each look at bank_marketing's last fifth, one line each: that fifth judges, and whoever looks often begins to choose.

`benchmarks/looks.csv` is only ever added to, before the figures are seen, and kept in git.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

LOOKS = Path("benchmarks/looks.csv")
COLUMNS = ("looked_at", "commit", "data_set", "seconds", "systems")


def log(file: Path, *, looked_at: str, commit: str, data_set: str, seconds: int, systems: Mapping[str, str]) -> int:
    """Add a line; returns how many there are of this data set. `systems`: their versions, by name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    is_new = not file.is_file()
    with file.open("a", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        if is_new:
            writer.writerow(COLUMNS)
        versions = "; ".join(f"{name} {version}".strip() for name, version in systems.items())
        writer.writerow([looked_at, commit, data_set, seconds, versions])
    return count(file, data_set)


def count(file: Path, data_set: str) -> int:
    """Looks at a data set so far."""
    if not file.is_file():
        return 0
    with file.open(encoding="utf-8", newline="") as lines:
        return sum(row["data_set"] == data_set for row in csv.DictReader(lines))
