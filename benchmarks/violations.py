"""Does any decision break a rule? A million candidates of random companies, held against an independent checker.

    python -m benchmarks.violations [--candidates 1000000] [--seed 1]

draws catalogues, policies, accounts and their past (tests/decisions/random_company.py), decides with the product's own
code (candidates, assignment within random limits, exploration, holdout), and has every allowed candidate and
every contact read by a checker that shares no code with it (tests/decisions/checker.py). Writes `violations` and how
many candidates were looked at into benchmarks/results/decisions.json, key by key.
"""

import argparse
import json
from collections import Counter
from datetime import datetime, time
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from data.catalog import Catalog
from data.known import calendar
from decisions.assignment import assign, ways
from decisions.candidates import candidates
from decisions.experiments import held_out
from decisions.exploration import explored
from decisions.limits import limits_of
from decisions.past import longest_days, remembered
from decisions.plan import only_no_gain
from decisions.settings import Decide, Gates
from decisions.week_settings import Exploration, Week
from features.proposals import contacts, refusals
from features.proposals import proposals as of_past
from pipelines import written
from tests.decisions import random_company
from tests.decisions.checker import Broken, Checker
from tests.decisions.random_company import AS_OF

RESULTS = Path("benchmarks/results/decisions.json")
N_ACCOUNTS = 400


def decided_and_checked(seed: int, n_accounts: int = N_ACCOUNTS) -> tuple[int, int, list[Broken]]:
    """Candidates, contacts, and the rules that were broken, of one random company."""
    random = np.random.default_rng(seed)
    catalog = random_company.catalog(random)
    gates, week = random_company.gates(random), random_company.week(random)
    rows = random_company.accounts(random, n_accounts, catalog)
    past = random_company.proposals(random, rows, catalog)
    by_id = {row["account_id"]: row for row in rows}
    checker = Checker(catalog, gates, by_id, past, AS_OF, week)

    parsed = Catalog.parse(catalog, file="catalog.yaml")
    policy = Gates.parse(gates, file="params.yaml")
    accounts, refused = _accounts(rows, past, policy)
    offered = candidates(accounts, refused, parsed, policy, Decide())
    allowed = _plain(offered[offered["is_allowed"]])
    found = checker.of_candidates(allowed)

    names = ("owner_counts", "owner_channels", "hours", "hours_of", "budget", "limits")
    explore = Exploration(kind=("none", "epsilon", "thompson")[seed % 3], share=0.3, spare_places=seed % 3)
    settings = Week(**{name: week[name] for name in names}, explore=explore, max_turnover=0.4 if seed % 2 else None)
    limits = limits_of(settings, per_owner=week["per_owner"], without_owner=week["without_owner"])
    choices = ways(offered, accounts, parsed, settings)
    is_out = held_out(choices["account_id"], share=0.1, salt=str(seed))
    sells = ~choices["offer_id"].map({offer.id: offer.is_help for offer in parsed.offers}).astype(bool)
    choices = choices[sells & ~is_out].assign(se=lambda c: 0.2 * c["priority"].abs())
    plan = assign(choices, limits, settings, previous=[row["account_id"] for row in rows[::5]])
    withheld = set(accounts["account_id"][held_out(accounts["account_id"], share=0.1, salt=str(seed))])
    found += checker.of_week(_plain(plan.chosen), allowed, withheld)
    hopeless = only_no_gain(offered)
    hopeless = hopeless[~hopeless["account_id"].isin(withheld)]
    spare = ways(hopeless, accounts, parsed, settings).assign(se=1.0)
    drawn = explored(plan, explore, seed=seed, as_of=AS_OF.isoformat(), limits=limits, no_gain=spare)
    found += checker.of_week(_plain(drawn.chosen), [*allowed, *_plain(hopeless)], withheld)
    return len(offered), len(plan.chosen) + len(drawn.chosen), found


def _plain(rows: pd.DataFrame) -> list[dict[str, Any]]:
    wanted = ["account_id", "offer_id", "channel", "discount_pct", "value", "p_accept"]
    return rows[wanted].to_dict("records")


def _accounts(
    rows: list[dict[str, Any]], past: list[dict[str, Any]], policy: Gates
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What decides sees of them: their features of past proposals by the product's own code, over the raw rows."""
    frame = pd.DataFrame(rows).assign(as_of=pd.Timestamp(AS_OF))
    frame["do_not_contact_until"] = pd.to_datetime(frame["do_not_contact_until"]).astype("datetime64[us]")
    table = [
        {
            "account_id": row["account_id"], "offer_id": row["offer_id"], "channel": row["channel"],
            "outcome": row["outcome"], "proposed_at": datetime.combine(row["proposed_on"], time(9)),
            "decided_at": row["decided_on"] and datetime.combine(row["decided_on"], time(17)),
            "known_on": row["proposed_on"],
        }
        for row in past
    ]  # fmt: skip
    types = {
        "account_id": "string", "offer_id": "string", "channel": "string", "outcome": "string",
        "proposed_at": "timestamp", "decided_at": "timestamp", "known_on": "date",
    }  # fmt: skip
    engine = ibis.duckdb.connect(threads=1)
    staged = ibis.memtable(table, schema=types)
    day = calendar([AS_OF])
    said = engine.to_pandas(of_past(staged, day)).drop(columns="as_of")
    refused = engine.to_pandas(refusals(staged, day))
    contacted = engine.to_pandas(contacts(staged, day, days=longest_days(policy)))
    engine.disconnect()
    frame = frame.merge(said.drop(columns="contacts_30d"), on="account_id", how="left")
    return remembered(frame, refused, contacted, policy), refused


def main() -> None:
    """Draw, decide, check, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.violations", description=__doc__)
    parser.add_argument("--candidates", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    n_candidates = n_contacts = n_companies = 0
    broken: list[Broken] = []
    while n_candidates < given.candidates:
        some, contacts, found = decided_and_checked(given.seed * 1_000_000 + n_companies)
        n_candidates, n_contacts, n_companies = n_candidates + some, n_contacts + contacts, n_companies + 1
        broken += found
        if n_companies % 20 == 0:
            print(f"{n_companies} companies, {n_candidates} candidates, {len(broken)} violations", flush=True)
    for rule, count in Counter(one.rule for one in broken).most_common():
        print(f"{rule}: {count} (first: {next(one for one in broken if one.rule == rule)})")
    found = {
        "violations": len(broken), "violations_candidates": n_candidates, "violations_contacts": n_contacts,
        "violations_companies": n_companies,
    }  # fmt: skip
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    written.as_json(RESULTS, known | found)
    for name, value in found.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
