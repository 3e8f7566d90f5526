"""Against peers: those on the same plan on the same day of whom the figure is known."""

from datetime import date
from typing import Any

import ibis

from features.peers import FEATURES

D, BEFORE = date(2026, 6, 1), date(2026, 5, 1)


def test_shares_of_those_who_have_less(engine: Any) -> None:
    rows = [
        # account, day, plan, events, seats, adoption rate
        ("low", D, "pro", 10, 10.0, 0.1), ("tied", D, "pro", 20, 10.0, 0.1), ("tie", D, "pro", 40, 20.0, 0.9),
        ("top", D, "pro", 99, 1.0, 0.5), ("no seats", D, "pro", 500, 0.0, None), ("alone", D, "free", 3, 1.0, 0.2),
        ("top", BEFORE, "pro", 1, 1.0, 0.0),
    ]  # fmt: skip
    names = ["account_id", "as_of", "plan_id", "events_28d", "seats", "adoption_rate"]
    kinds = ["string", "date", "string", "int64", "float64", "float64"]
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    table = ibis.memtable(columns, schema=dict(zip(names, kinds, strict=True)))
    asked = table.select("account_id", "as_of", **{f.name: f.of(table) for f in FEATURES})
    found = {(row.pop("account_id"), row.pop("as_of")): row for row in engine.to_pyarrow(asked).to_pylist()}
    use = {
        key: round(row["use_vs_peers"], 6) if row["use_vs_peers"] is not None else None for key, row in found.items()
    }
    assert use == {
        ("low", D): 0.0, ("tied", D): 0.333333, ("tie", D): 0.333333, ("top", D): 1.0, ("no seats", D): None,
        ("alone", D): 0.0, ("top", BEFORE): 0.0,
    }  # fmt: skip
    assert found["no seats", D]["adoption_vs_peers"] is None
    assert found["tie", D]["adoption_vs_peers"] == 1.0
    assert found["low", D]["adoption_vs_peers"] == 0.0
