"""`upsell measure`: what came of the lists that were delivered.

Reads   the ledger (the newest delivery of each week, and what people entered), the store of answers, and the company's
        own subscriptions and proposals as they lie there today, all as far as they were known before the day of asking
Writes  reports/measure.json, keys in order: the same state of things gives the same bytes
"""

import json
from datetime import date, timedelta
from typing import Any

import pandas as pd

from data.catalog import Catalog
from data.errors import BadInput
from decisions.experiments import held_out
from delivery.kpi_company import retention
from delivery.kpis import measured
from pipelines import answered, entries, ledger, paths, written
from pipelines.followed import Followed
from pipelines.params import Params
from pipelines.seals import Entry

OF_LIST = ["rank", "account_id", "owner_id", "offer_id", "assignment", "p_accept", "discount_pct", "expected_arr"]
KEY = ["as_of", "account_id"]
BELONGS_DAYS = 7  # a proposal of the same offer so soon after a list is that list's


def measure(as_of: date) -> dict[str, Any]:
    """The figures, written and given back. Raises BadInput where no list was delivered before the day."""
    ledger.keep_found()
    weeks = sorted(week for week in ledger.weeks() if week < as_of)
    if not weeks:
        raise BadInput(
            f"--as-of {as_of}: no list of an earlier day was delivered ({paths.LEDGER}/); ask of a later day."
        )
    params, catalog = Params.load(), Catalog.load(paths.CATALOG)
    company = Followed.read(params, catalog, as_of)
    days = params.label.horizon_days
    ripe = [week for week in weeks if week + timedelta(days=days) <= company.reach]
    rows = pd.concat([_listed(Entry(paths.LEDGER / str(week))) for week in weeks], ignore_index=True)
    rows = rows.merge(company.expansions(ripe, params.label), on=KEY, how="left")
    store = answered.read()
    known = store[(store["answered_on"] < pd.Timestamp(as_of)) & (store["answer"] != "held_out")]
    said = [line for line in entries.read(paths.LEDGER) if line["entered_at"] < str(as_of)]
    rows = _with_what_was_done(rows, known, said, company.proposals)
    span = {"from": str(weeks[0]), "to": str(company.reach)}
    terms = [company.terms(day) for day in (weeks[0], company.reach)]
    found = {
        "as_of": str(as_of),
        "currency": catalog.currency,
        "horizon_days": days,
        "interval": params.measure.interval,
        "n_later": int((store["answer"] != "held_out").sum()) - len(known),
        "company": {**span, **retention(*terms, min_growth=params.label.min_growth)},
        **measured(rows, params.measure, horizon_days=days),
    }
    written.text(paths.MEASURE, json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")
    return found


def _listed(entry: Entry) -> pd.DataFrame:
    """The week's list, and who of it is in the stable holdout.

    A place's own lottery may leave an account out too (`holdout` on the list, for that week alone); that is no part of
    the stable holdout, which the parameters of the list tell: share and salt.
    """
    listed = pd.read_parquet(entry.folder / ledger.LIST, columns=OF_LIST)
    manifest = written.read_json(entry.folder / ledger.MANIFEST)
    drawn = manifest.get("parameters", {}).get("decide", {})
    is_out = listed["assignment"] == "holdout"
    if "holdout_share" in drawn:
        is_out &= held_out(listed["account_id"], share=drawn["holdout_share"], salt=drawn["holdout_salt"])
    return listed.assign(as_of=pd.Timestamp(entry.as_of), is_held_out=is_out)


def _with_what_was_done(
    rows: pd.DataFrame, answers: pd.DataFrame, said: list[dict[str, Any]], proposals: pd.DataFrame
) -> pd.DataFrame:
    """`did` and `is_worked_on`. The store of answers is believed first, then what was entered into the ledger, then the
    company's own log."""
    traces = pd.DataFrame(said, columns=["as_of", "account_id", "kind", "value"])
    traces = traces.assign(as_of=pd.to_datetime(traces["as_of"]))
    by_record = traces[traces["kind"] == "answer"].drop_duplicates(KEY, keep="last").set_index(KEY)["value"]
    called = traces[(traces["kind"] == "feedback") & (traces["value"] == "contacted")].drop_duplicates(KEY)
    sources = [answers.set_index(KEY)["answer"], by_record, _by_log(rows, proposals)]
    sources.append(called.set_index(KEY)["value"].replace("contacted", "open"))
    at = pd.MultiIndex.from_frame(rows[KEY])
    did = pd.Series(None, index=rows.index, dtype="object")
    for source in sources:
        told = source.reindex(at).set_axis(rows.index).astype("object")
        did = did.where(did.notna(), told)
    did = did.where(did.notna(), None)
    has_trace = at.isin(pd.MultiIndex.from_frame(traces[KEY]))
    return rows.assign(did=did, is_worked_on=did.notna() | has_trace)


def _by_log(rows: pd.DataFrame, proposals: pd.DataFrame) -> pd.Series:
    """By (as_of, account_id): the outcome of the first proposal of the list's offer in the list's week."""
    both = rows[[*KEY, "offer_id"]].merge(proposals, on=["account_id", "offer_id"])
    since = (both["proposed_at"].dt.normalize() - both["as_of"]).dt.days
    mine = both[(since >= 0) & (since < BELONGS_DAYS)].sort_values("proposed_at", kind="stable")
    found: pd.Series = mine.drop_duplicates(KEY).set_index(KEY)["outcome"]
    return found
