"""A ledger of two weeks and four accounts, made by hand: for what people enter into it, and for questions to it."""

import json
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.catalog import Catalog
from delivery import outputs
from pipelines import ledger
from pipelines.override import override, record

PROJECT = Path(__file__).parents[2]
EARLIER, LATER = date(2026, 5, 25), date(2026, 6, 1)
BASE = {
    "segment": "small", "plan_id": "starter", "mrr": 100.0, "lifecycle_stage": "established", "propensity": 0.3,
    "stars": 3, "triggers": [], "movement": "same", "pscore": 1.0, "model_version": "model-1", "renews_on": pd.NaT,
    "contact_by_on": pd.NaT,
}  # fmt: skip
CONTACT = {"assignment": "contact", "channel": "csm", "discount_pct": 0.0, "expected_arr": 100.0, "priority": 100.0}


def rows(as_of: date, *, reason: str, unhappy_is_blocked: bool, discount: float) -> pd.DataFrame:
    """The list: A-1 and A-3 are contacted, A-2 has not consented, A-4 is unhappy."""
    discounted = {"discount_pct": discount, "approval": "Head of Sales" if discount > 5 else None}
    last = {"assignment": "none", "blocked_by": "unhappy"} if unhappy_is_blocked else CONTACT | {"offer_id": "seats_20"}
    told = [
        CONTACT | {"account_id": "A-1", "owner_id": "CSM-1", "offer_id": "upgrade_next", "reason_1": reason},
        CONTACT
        | {"account_id": "A-3", "owner_id": "CSM-2", "offer_id": "seats_20", "reason_1": "▲ Seats"}
        | discounted,
        last | {"account_id": "A-4", "owner_id": "CSM-2", "reason_1": "▲ Use"},
        {"account_id": "A-2", "owner_id": "CSM-1", "assignment": "none", "blocked_by": "no_consent", "reason_1": None},
    ]
    names = [column.name for column in outputs.RANKED_ACCOUNTS.columns]
    frame = pd.DataFrame([BASE | row for row in told]).reindex(columns=names)
    texts = [c.name for c in outputs.RANKED_ACCOUNTS.columns if c.type == outputs.STRING]
    frame = frame.assign(**{name: frame[name].astype(object).where(frame[name].notna(), None) for name in texts})
    days = {name: pd.to_datetime(frame[name]) for name in ("renews_on", "contact_by_on")}
    named = "Company " + frame["account_id"]
    return frame.assign(rank=range(1, 5), as_of=pd.Timestamp(as_of), account_name=named, **days)


def candidates(ranked: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """Every offer: allowed where the account is to be contacted, else blocked by its gate."""
    names = [column.name for column in outputs.CANDIDATES.columns]
    found = [
        {
            "account_id": row["account_id"],
            "as_of": row["as_of"],
            "offer_id": offer.id,
            "is_allowed": row["blocked_by"] is None,
            "blocked_by": row["blocked_by"],
        }
        for row in ranked.to_dict("records")
        for offer in catalog.offers
    ]
    frame = pd.DataFrame(found).reindex(columns=names)
    return frame.assign(channel=None)


def deliver(ranked: pd.DataFrame, *, onboarding_days: int) -> None:
    """Enter a list, with a manifest that tells the policy."""
    catalog = Catalog.load(PROJECT / "catalog.yaml")
    as_of = pd.Timestamp(ranked["as_of"].iloc[0]).date()
    tables = {"ranked_accounts": outputs.RANKED_ACCOUNTS.table(ranked)}
    tables["candidates"] = outputs.CANDIDATES.table(candidates(ranked, catalog))
    policy = {"gates": {"onboarding_days": onboarding_days}, "decide": {}, "segments": {}}
    manifest = {"as_of": str(as_of), "model_version": "model-1", "parameters": policy}
    files = {f"{name}.parquet": written(table) for name, table in tables.items()}
    inputs = Path("inputs")
    inputs.mkdir(exist_ok=True)
    shutil.copy(PROJECT / "catalog.yaml", inputs)
    proposals = [("P-1", "A-2", "upgrade_next", "2026-05-27 09:00"), ("P-2", "A-1", "upgrade_next", "2026-05-27 09:00")]
    made = pd.DataFrame(proposals, columns=["proposal_id", "account_id", "offer_id", "proposed_at"])
    made = made.assign(proposed_at=pd.to_datetime(made["proposed_at"], utc=True), channel="csm", outcome="open")
    made.to_parquet(inputs / "proposals.parquet")
    ledger.keep({**files, "manifest.json": json.dumps(manifest).encode()}, as_of, inputs)


def written(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def make() -> None:
    """In the folder of work: two weeks, the second delivered again under another policy; and what people entered."""
    deliver(rows(EARLIER, reason="▲ Use", unhappy_is_blocked=True, discount=10), onboarding_days=60)
    record("approval", "A-3", EARLIER, who="Head of Sales", value="approved")
    record("answer", "A-3", EARLIER, who="Ben", value="accepted")
    record("answer", "A-1", EARLIER, who="Aiko", value="declined", why="No budget")
    deliver(rows(LATER, reason="▲ Use", unhappy_is_blocked=True, discount=10), onboarding_days=60)
    override(
        "A-2", LATER, who="Aiko", why="They called us", after={"offer_id": "upgrade_next", "assignment": "contact"}
    )
    override("A-1", LATER, who="Aiko", why="Asked for it", after={"discount_pct": 15.0})
    deliver(rows(LATER, reason="▲ Limits", unhappy_is_blocked=False, discount=10), onboarding_days=30)
    record("feedback", "A-1", LATER, who="Aiko", value="contacted")
