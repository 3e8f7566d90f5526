"""Stage `weigh`: what would the list be without each factor of its priority, and what keeps whom off it?

Reads   candidates, decisions, the catalogue
Writes  reports/decisions.json and .md: what each factor moves, which offer wins over which, accounts by gate, and how
        much discount goes to accounts that would have bought anyway
"""

from typing import Any

import pandas as pd

from data.catalog import Catalog
from decisions.sensitivity import by_gate, factors, priority, sensitivity, wasted_discount, wins, within_capacity
from pipelines import paths, stage, tables, written
from pipelines.params import Params

DIGITS = 6  # what the bytes of two machines share
FACTOR_NAMES = {"levers": "lever", "contact_cost": "contact cost"}


def weighed(params: Params, catalog: Catalog, candidates: pd.DataFrame, decisions: pd.DataFrame) -> dict[str, Any]:
    """The report as plain values."""
    money = params.decide
    choose = within_capacity(decisions, per_owner=money.capacity_per_owner, without_owner=money.capacity_without_owner)
    by_factor, by_offer = sensitivity(candidates, decisions, catalog, choose)
    sells = {offer.id for offer in catalog.offers if not offer.is_help}
    selling = candidates[candidates["offer_id"].isin(sells)]
    contacted = decisions.loc[decisions["assignment"] == "contact", ["account_id", "offer_id"]]
    chosen = contacted.merge(selling, on=["account_id", "offer_id"])
    total = priority(factors(chosen, decisions, catalog)).sum()
    return {
        "n_contact": len(contacted),
        "priority": round(float(total), 2),
        "factors": _records(by_factor),
        "offers_by_factor": _records(by_offer),
        "wins": _records(wins(selling)),
        "gates": _records(by_gate(candidates, decisions, catalog)),
        "discount": wasted_discount(chosen),
    }


def as_markdown(report: dict[str, Any], currency: str) -> str:
    """For people."""
    lines = [
        "# What the decision rests on",
        "",
        f"{report['n_contact']:,} accounts are to be contacted; their priorities add up to {report['priority']:,.0f} "
        f"{currency} a year.",
        "",
        "## Without each factor",
        "",
        "All candidates are given the same of it (their mean; for the lever 1, for costs 0), and the list is chosen",
        "again within the same capacity and behind the same gates. `lost`: what that list is worth less.",
        "",
        "| without | entering | leaving | offered something else | lost |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {FACTOR_NAMES.get(row['factor'], row['factor'])} | {row['n_entering']:,} | {row['n_leaving']:,} | "
        f"{row['n_changing']:,} | {row['lost']:,.0f} {currency} |"
        for row in report["factors"]
    ]
    lines += ["", "## Which offer wins over which", ""]
    lines += ["Of the accounts that may have both, how often the one ranks above the other.", ""]
    lines += ["| offer | over | of accounts with both | ranks above in | by (median) |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['winner']} | {row['loser']} | {row['n_both']:,} | {row['n']:,} | {row['margin']:,.0f} {currency} |"
        for row in report["wins"]
        if row["n"]
    ]
    lines += ["", "## What keeps accounts off the list", ""]
    lines += [
        "| gate | accounts that it keeps from everything that sells | offers that it is the first to block |",
        "|---|---|---|",
    ]
    lines += [f"| {row['gate']} | {row['accounts']:.1%} | {row['candidates']:.1%} |" for row in report["gates"]]
    lines += ["", "## Discounts", "", _of_discount(report["discount"], currency)]
    return "\n".join(lines) + "\n"


def _of_discount(found: dict[str, Any], currency: str) -> str:
    if not found["n_discounted"]:
        return "No account on the list is offered a discount."
    if found["expected"] is None:
        return (
            f"{found['n_discounted']:,} accounts are offered a discount. How much of it goes to accounts that would "
            "have bought anyway is not known: the response to offers is not learnt yet."
        )
    return (
        f"{found['n_discounted']:,} accounts are offered a discount, worth {found['expected']:,.0f} {currency} a year "
        f"in expectation. Of that, {found['to_sure_things']:,.0f} {currency} ({found['share'] or 0:.0%}) go to "
        "accounts that would have bought anyway."
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    rounded = table.round(DIGITS).astype(object)
    plain = rounded.where(rounded.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]


def main() -> None:
    """Write the report of the week's decisions."""
    params, catalog = Params.load(), Catalog.load(paths.CATALOG)
    report = weighed(params, catalog, tables.CANDIDATES.read(), tables.DECISIONS.read())
    written.as_json(paths.DECISIONS_JSON, report)
    written.text(paths.DECISIONS_MD, as_markdown(report, catalog.currency))


if __name__ == "__main__":
    stage.run(main)
