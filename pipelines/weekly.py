"""`upsell weekly`: score, decide and deliver a week with the champion, without learning anything anew.

It reads the sources as they are today, as far as they were known before the week's day, and leaves DVC's lake alone:
what it works on lies under data/lake/weekly/, what people read under reports/weekly/.
"""

import json
from datetime import date

import pandas as pd

from data.catalog import Catalog
from data.cohort import cohort
from data.errors import BadInput
from data.known import calendar
from features.build import features
from features.triggers import fired
from pipelines import lake, paths, tracking, written
from pipelines.decide import decided
from pipelines.deliver import delivered, described, summary_of, write
from pipelines.ingest import ingested
from pipelines.params import Params
from pipelines.score import scored

LIST = paths.WEEKLY / "ranked_accounts.parquet"


def weekly(as_of: date) -> Params:
    """Deliver the week of `as_of`; gives the parameters that it ran with. Raises BadInput where it can't."""
    given = Params.load()
    params = given.model_copy(update={"run": given.run.model_copy(update={"as_of": as_of})})
    catalog = Catalog.load(paths.CATALOG)
    champion = tracking.champion(params.registry)
    staged_at = paths.LAKE / "weekly" / str(as_of) / "staged"
    report = ingested(params, catalog, staged_at=staged_at, quarantine_at=staged_at.with_name("quarantine"))

    engine = lake.connect(params.engine)
    staged = lake.staged(engine, staged_at)
    as_ofs = calendar([as_of])
    rows = cohort(staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, as_ofs)
    now = features(staged, rows, catalog, params.health, params.lifecycle).cache()
    current = lake.frame(now, engine).sort_values("account_id").reset_index(drop=True)
    if not len(current):
        raise BadInput(f"--as-of {as_of}: no account is active as of that day; the data begin later.")
    triggers = lake.frame(fired(now, staged["usage"], staged.get("touchpoints"), params.triggers, catalog), engine)

    scores, contributions = scored(champion.model, current)
    base_rate = float(champion.model.facts["rate_train"])
    offered, decisions = decided(
        params, catalog, current, scores, base_rate=base_rate, staged_at=staged_at, previous=_previous(as_of)
    )
    files = delivered(
        params,
        catalog,
        champion.model,
        current=current,
        contributions=contributions,
        offered=offered,
        decisions=decisions,
        fired=triggers,
        summary=summary_of(params, champion.model, written.read_json(paths.METRICS), json.loads(report.as_json())),
    )
    run = {**tracking.git_state(), "registry_version": champion.version, "command": f"upsell weekly --as-of {as_of}"}
    files["manifest.json"] = described(params, champion.model, files, staged_at)
    write({**files, "run.json": (json.dumps(run, indent=1) + "\n").encode()}, paths.WEEKLY)
    return params


def _previous(as_of: date) -> pd.DataFrame | None:
    """The newest list, where it is of an earlier week."""
    if not LIST.is_file():
        return None
    rows = pd.read_parquet(LIST, columns=["account_id", "rank", "as_of"])
    return rows if len(rows) and pd.Timestamp(rows["as_of"].iloc[0]) < pd.Timestamp(as_of) else None
