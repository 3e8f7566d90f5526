"""`upsell weekly`: score, decide and deliver a week with the champion, without learning anything anew.

It reads the sources as they are today, as far as they were known before the week's day, and leaves DVC's lake alone:
what it works on lies under data/lake/weekly/<as_of>/, what people read under reports/weekly/, and every list that was
delivered stays, sealed, under ledger/<as_of>/ with what it was made of. Of the large tables it reads only what
pipelines/rollup.py does not hold. Where it fails, the list that lies there and the tables beneath it stay.
"""

import io
import json
import shutil
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow.parquet as pq

from data import frames
from data.catalog import Catalog
from data.cohort import cohort
from data.errors import BadInput
from data.known import calendar
from delivery import manifest
from features.build import features
from features.triggers import fired
from pipelines import history, lake, ledger, paths, sealed, taken, tracking, vouch, written
from pipelines.decide import PROPOSALS
from pipelines.deliver import known_life_events, write
from pipelines.forecast import forecast, read_model
from pipelines.ledger import Kept
from pipelines.params import Params
from pipelines.rollup import newest_use_before, rolled
from pipelines.select import newest_use, stop_if_silent
from pipelines.trigger import in_force


@dataclass(frozen=True)
class Delivered:
    """A sentence on each table that was not simply carried on from the last week, and the list's seal."""

    told: list[str]
    kept: Kept


def weekly(as_of: date, *, rebuild: bool = False) -> Delivered:
    """Deliver the week of `as_of`.

    rebuild: read all of every table, as if no week had been delivered before. Raises BadInput where it can't deliver.
    """
    given = Params.load()
    params = given.model_copy(update={"run": given.run.model_copy(update={"as_of": as_of})})
    champion = tracking.champion(params.registry)
    workplace = paths.LAKE / "weekly" / str(as_of)
    beside = workplace.with_name(f"{as_of}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        files, told = _files(params, champion, as_of, rebuild)
        # From here on the week is delivered: the tables of an earlier delivery give way to those of this list.
        kept = ledger.keep(files, as_of, beside / sealed.FOLDER)
        shutil.rmtree(beside / sealed.FOLDER)
        shutil.rmtree(workplace, ignore_errors=True)
        beside.rename(workplace)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    write(files, paths.WEEKLY)
    return Delivered(told, kept)


def _files(
    params: Params, champion: tracking.Champion, as_of: date, rebuild: bool
) -> tuple[dict[str, bytes], list[str]]:
    """Every file of the week by its name, the manifest last. The staged tables stay in the `.partial` folder."""
    catalog = Catalog.load(paths.CATALOG)
    workplace = paths.LAKE / "weekly" / f"{as_of}.partial"
    staged_at, window_at = workplace / "staged", workplace / "window"
    kept = rolled(
        params,
        catalog,
        as_of,
        staged_at=staged_at,
        window_at=window_at,
        quarantine_at=workplace / "quarantine",
        anew=rebuild,
    )

    engine = lake.connect(params.engine)
    staged = lake.staged(engine, window_at)
    newest = newest_use(staged["usage"], as_of, engine) or newest_use_before(as_of, staged_at)
    stop_if_silent(newest, as_of, setting="--as-of")
    as_ofs = calendar([as_of])
    rows = cohort(staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, as_ofs)
    now = features(staged, rows, catalog, params.health, params.lifecycle).cache()
    current = lake.frame(now, engine).sort_values("account_id").reset_index(drop=True)
    if not len(current):
        raise BadInput(f"--as-of {as_of}: no account is active as of that day; the data begin later.")
    found = in_force(written.read_json(paths.THRESHOLDS))
    happened = fired(now, staged["usage"], staged.get("touchpoints"), params.triggers, catalog, found)
    triggers = lake.frame(happened, engine)
    limits = forecast(read_model(), staged, engine, catalog, as_of, params.forecast)

    ledger.keep_found()  # the list that lies there is about to be overwritten, and may be the one to compare with
    made_of = workplace / sealed.FOLDER
    sealed.gather(
        made_of,
        as_of=as_of,
        model=champion.model,
        rows={
            "current": current,
            "triggers": triggers,
            "limits": limits,
            "lately": taken.lately(current, catalog, params.combine, window_at),
            "peers": taken.peers_took(current, catalog, params.combine, window_at),
        },
        staged=kept.inputs,
        validation=json.loads(kept.report.as_json()),
        others={
            sealed.PREVIOUS: ledger.before(as_of),
            sealed.REASONS: ledger.reasons_before(as_of),
            sealed.EVENTS: known_life_events(as_of, window_at),
        },
        past=history.past(
            current, catalog, as_of, staged_at=window_at, lists=ledger.lists_before(as_of, n=history.N_OF_EACH)
        ),
        proposals=window_at / PROPOSALS,
    )
    files = sealed.rebuilt(made_of)
    ranked, reasons = (_table(files[f"{name}.parquet"]) for name in vouch.DELIVERED)
    run = {
        **tracking.git_state(),
        "command": f"upsell weekly --as-of {as_of}",
        "as_of": str(as_of),
        "model_version": champion.model.model_version,
        "registry_model": params.registry.model,
        "registry_version": champion.version,
        "is_champion": True,
        "manifest_sha256": manifest.sha256(files[sealed.MANIFEST]),
        "reasons": vouch.of_the_list(ranked, reasons, current, champion.model, params),
        "rollup": {"rows_read": kept.rows_read, "weeks_read": kept.weeks_read, "why": kept.why},
    }
    shutil.rmtree(window_at)  # links, which have served
    return {**files, ledger.RUN: (json.dumps(run, indent=1) + "\n").encode()}, kept.why


def _table(content: bytes) -> pd.DataFrame:
    return frames.to_pandas(pq.read_table(io.BytesIO(content)))
