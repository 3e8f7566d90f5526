"""What `upsell validate` does: the company's tables against the contract, and then, in a folder of its own that goes
when it is done, what a run would check before it learns anything."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from data.catalog import Catalog
from data.cohort import cohort
from data.errors import BadInput
from data.known import calendar
from features.build import dictionary, features
from models.blocks import TRAIN, VALIDATION
from pipelines import labelled, lake
from pipelines.check import checked, stop_at_leaks
from pipelines.ingest import ingested
from pipelines.label import blocks_of, labels
from pipelines.params import Params
from pipelines.select import newest_use, stop_if_silent


def validated(params: Params, catalog: Catalog, *, say: Callable[[str], None]) -> None:
    """Say what is found in the tables of `ingest.folder`. Raises BadInput where a run would stop.

    Where the tables do not reach far enough to know who expands, there is nothing to look for: that is said.
    """
    with tempfile.TemporaryDirectory(prefix="upsell-validate-") as name:
        staged_at, quarantine_at = Path(name) / "staged", Path(name) / "quarantine"
        ingested(
            params,
            catalog,
            staged_at=staged_at,
            quarantine_at=quarantine_at,
            tell=lambda report: say(report.as_markdown()),
        )
        say("\n")
        engine = lake.connect(params.engine)
        staged = lake.staged(engine, staged_at)
        try:
            named = blocks_of(params)
            newest = newest_use(staged["usage"], params.run.as_of, engine)
            stop_if_silent(newest, params.run.as_of, setting="params.yaml: run.as_of")
        except BadInput as reason:
            say(f"Leaks were not looked for, since there is nothing to learn from yet. {reason}\n")
            return
        days = [day for day, block in named.items() if block in (TRAIN, VALIDATION)]
        say(f"Looking for leaks: building the features of {len(days)} snapshots, {days[0]} to {days[-1]} …\n\n")
        told = labels(params, catalog, staged, engine)
        told = told[told["block"].isin([TRAIN, VALIDATION])]
        rows = cohort(
            staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, calendar(days)
        )
        wide = features(staged, rows, catalog, params.health, params.lifecycle)
        predictors = [f.name for f in dictionary(catalog, params.health, params.lifecycle) if f.is_predictor]
        training = lake.frame(wide.select("account_id", "as_of", *predictors), engine)
        found = checked(
            labelled.join(training, told),
            staged,
            engine,
            catalog,
            health=params.health,
            lifecycle=params.lifecycle,
            settings=params.leaks,
        )
        say(found.as_markdown())
    stop_at_leaks(found, where="above")
