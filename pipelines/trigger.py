"""Stage `trigger`: what happened lately that makes now the time to talk?

Reads   current (features of the week), thresholds in force, staged usage and touchpoints
Writes  triggers: one row per (account_id, as_of, trigger) that fires
"""

from collections.abc import Mapping
from typing import Any

from data.catalog import Catalog
from features.triggers import fired
from pipelines import engines, lake, paths, stage, tables, written
from pipelines.params import Params


def main() -> None:
    """Fire the triggers."""
    params = Params.load()
    engine = lake.connect(params.engine)
    staged = lake.staged(engine)
    now = engines.put(engine, tables.CURRENT.path)
    found = in_force(written.read_json(paths.THRESHOLDS))
    rows = fired(now, staged["usage"], staged.get("touchpoints"), params.triggers, Catalog.load(paths.CATALOG), found)
    tables.TRIGGERS.write(lake.frame(rows, engine))


def in_force(thresholds: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that were found in data, by trigger, as stage `find` wrote them.

    >>> in_force({"promoter": {"number": 9.0, "source": "params"}, "power_features": {"number": 4.0, "source": "auto"}})
    {'power_features': 4.0}
    """
    return {trigger: float(told["number"]) for trigger, told in thresholds.items() if told["source"] == "auto"}


if __name__ == "__main__":
    stage.run(main)
