"""How faithful the reasons are: `python -m benchmarks.reasons` after `make run`.

Copies the figures of reports/reasons.json into benchmarks/results/reasons.json, flat, and keeps what else stands there.
"""

import json
from pathlib import Path
from typing import Any

from pipelines import paths, written

RESULTS = Path("benchmarks/results/reasons.json")


def flat(report: dict[str, Any]) -> dict[str, float]:
    """The report's numbers under one name each; those of a simulated company without a prefix.

    >>> flat({"as_of": "2026-06-01", "sign_agreement": 1.0, "deletion": {"n": 5, "named": 0.5, "wins": None},
    ...       "simulated": {"n": 3, "true_cause_rate": 0.9}})
    {'sign_agreement': 1.0, 'deletion_n': 5, 'deletion_named': 0.5, 'true_cause_n': 3, 'true_cause_rate': 0.9}
    """
    found: dict[str, float] = {}
    for name, value in report.items():
        if isinstance(value, dict):
            for part, number in value.items():
                key = part if part.endswith("_rate") else f"{name}_{part}"
                found["true_cause_n" if key == "simulated_n" else key] = number
        else:
            found[name] = value
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def main() -> None:
    """Write the figures."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    written.as_json(RESULTS, dict(sorted({**known, **flat(written.read_json(paths.REASONS))}.items())))


if __name__ == "__main__":
    main()
