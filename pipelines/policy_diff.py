"""`upsell policy diff`: what a change of policy would do to the newest list, before it is merged. Writes nothing.

Reads   the newest run's tables in data/lake and its decisions; params.yaml (gates, decide, segments) and catalog.yaml,
        or the files that are given in their place
"""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from data.catalog import Catalog
from data.errors import BadInput
from data.settings import read_yaml
from decisions.difference import difference, is_same
from delivery.figures import money
from pipelines import paths, tables
from pipelines.company import merged
from pipelines.decide import of_the_newest_run
from pipelines.params import Params
from pipelines.preflight import check_features

POLICY = ("gates", "decide", "segments")
N_SHOWN = 20


def policy_diff(params_file: Path | None = None, catalog_file: Path | None = None) -> dict[str, Any]:
    """The newest list beside the one that these files would have made of the same features, scores and past offers.

    params_file: a whole params.yaml, or only the keys that would change. Raises BadInput where there is no list yet, or
    a file is not as it should be.
    """
    before = tables.DECISIONS.read()
    current = tables.CURRENT.read(["account_id", "as_of"])
    as_of: date = pd.Timestamp(current["as_of"].iloc[0]).date()
    given, not_looked_at = _params(params_file)
    params = given.model_copy(update={"run": given.run.model_copy(update={"as_of": as_of})})
    catalog = Catalog.load(catalog_file or paths.CATALOG)
    check_features(params, catalog)
    if set(before["account_id"]) != set(current["account_id"]):
        raise BadInput(f"{tables.DECISIONS.path}: it is not of the accounts of {tables.CURRENT.path}; run `dvc repro`.")
    _, after, _ = of_the_newest_run(params, catalog)
    found = difference(before, after)
    return {"as_of": str(as_of), "currency": catalog.currency, "not_looked_at": not_looked_at, **found}


def _params(file: Path | None) -> tuple[Params, list[str]]:
    """The parameters proposed, and the sections of the file that differ from params.yaml and play no part here."""
    if file is None:
        return Params.load(), []
    ours, theirs = read_yaml(paths.PARAMS), read_yaml(file)
    is_whole = set(ours) <= set(theirs)
    laid = theirs if is_whole else merged(ours, theirs)
    params = Params.parse(laid, file=str(file))
    now = Params.load().model_dump(by_alias=True)
    then = params.model_dump(by_alias=True)
    return params, [name for name in now if name not in POLICY and now[name] != then[name]]


def as_text(found: dict[str, Any]) -> str:
    """For a terminal."""
    unit = found["currency"]
    lines = [f"Week of {found['as_of']}, with the same features, scores and past offers; nothing was written."]
    if found["not_looked_at"]:
        lines.append(f"Differs too, and is not part of this: {', '.join(found['not_looked_at'])}.")
    if is_same(found):
        return "\n".join([*lines, "Nothing would change."])
    n, arr = found["n_contact"], found["expected_arr"]
    lines += [
        f"To contact: {n['before']:,} before, {n['after']:,} after. Expected ARR: {money(arr['before'], unit)} before, "
        f"{money(arr['after'], unit)} after ({_signed(arr['change'], unit)}).",
        f"Of that, entering {_signed(arr['entering'], unit)}, leaving {_signed(arr['leaving'], unit)}, offered "
        f"something else {_signed(arr['changing'], unit)}, the same at another value {_signed(arr['revalued'], unit)}.",
    ]
    for title, name in (("Entering", "entering"), ("Leaving", "leaving"), ("Offered something else", "changing")):
        rows = found[name]
        lines += ["", f"{title}: {len(rows):,}"]
        lines += [f"  {_said(row, name, unit)}" for row in rows[:N_SHOWN]]
        if len(rows) > N_SHOWN:
            lines.append(f"  and {len(rows) - N_SHOWN:,} more (--json has all)")
    for title, name in (("Assignment", "assignments"), ("Gate", "gates")):
        lines += ["", f"{title:<24}{'before':>9}{'after':>9}{'change':>9}"]
        lines += [_counted(key, count) for key, count in found[name].items()]
    lines += ["", f"{'Owner':<24}{'before':>9}{'after':>9}{'change':>9}{'expected ARR':>16}"]
    lines += [
        f"{_counted(owner or '(none)', count)}{_signed(count['expected_arr_change'], unit):>16}"
        for owner, count in found["owners"].items()
    ]
    return "\n".join(lines)


def _said(row: dict[str, Any], which: str, unit: str) -> str:
    was, now = (_offered(row, side) for side in ("before", "after"))
    why = {"entering": row["blocked_by_before"], "leaving": row["blocked_by_after"], "changing": None}[which]
    shown = {"entering": now, "leaving": was, "changing": f"{was} -> {now}"}[which]
    state = {"entering": row["assignment_before"], "leaving": row["assignment_after"], "changing": None}[which]
    behind = ", ".join(str(part) for part in (state, why) if part)
    word = "was" if which == "entering" else "now"
    owner, change = row["owner_id"] or "(none)", _signed(row["expected_arr_change"], unit)
    return f"{row['account_id']:<14} {owner:<10} {shown}  {change}" + (f"  ({word} {behind})" if behind else "")


def _offered(row: dict[str, Any], side: str) -> str:
    discount = row[f"discount_pct_{side}"] or 0
    return f"{row[f'offer_id_{side}']} by {row[f'channel_{side}']}" + (f" at -{discount:g} %" if discount else "")


def _counted(name: str, count: dict[str, Any]) -> str:
    return f"{name:<24}{count['before']:>9,}{count['after']:>9,}{count['after'] - count['before']:>+9,}"


def _signed(value: float, unit: str) -> str:
    return ("+" if value > 0 else "-" if value < 0 else "") + money(round(abs(value)), unit)
