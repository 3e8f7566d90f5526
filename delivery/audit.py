"""One account's whole story: what was known, what the model made of it, what was decided, and by which versions."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from delivery.what_ifs import said

N_RAW_ROWS = 5  # of each table, on a terminal
N_ON_PAGE = 400
GONE = (
    "the tables that the list of {as_of} was made of are no longer there: what is told above was kept with the list, "
    "and raw rows were not."
)


def story(
    account_id: str,
    *,
    ranked: pd.DataFrame,
    reasons: pd.DataFrame,
    candidates: pd.DataFrame,
    triggers: pd.DataFrame,
    manifest: Mapping[str, Any],
    raw: Mapping[str, pd.DataFrame] | None,
    n_raw_rows: int = N_RAW_ROWS,
    what_ifs: list[dict[str, Any]] | None = None,
    persuasion: list[dict[str, Any]] | None = None,
    decided: Sequence[Mapping[str, Any]] = (),
    delivery: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The account as of the list's day, in plain values.

    raw: per table, the account's rows that were known by then, the newest last; None where they are gone. what_ifs: the
    smallest changes that the model asks for; None where it could not be asked. persuasion: what moves the uplift of
    the list's offer (delivery/persuasion.py); None where there is none. decided: the ledger's lines about the
    account and this list; delivery: its entry there, None where it has none.
    """
    row = _one(ranked, account_id)
    why = reasons[reasons["account_id"] == account_id].sort_values("rank")
    margin = float(why["contribution"].sum())
    return {
        "account": row,
        "propensity": {
            "value": row["propensity"],
            "margin": margin,
            "sum_of_points": float(why["points"].sum()),
            "adds_up": abs(float(why["points"].sum()) - float(row["propensity"])) < 1e-9,
        },
        "reasons": _rows(why.drop(columns=["account_id", "as_of"])),
        "candidates": _rows(
            candidates[candidates["account_id"] == account_id]
            .sort_values(["is_allowed", "rank", "value"], ascending=[False, True, False])
            .drop(columns=["account_id", "as_of"])
        ),
        "triggers": _rows(triggers[triggers["account_id"] == account_id].drop(columns=["account_id", "as_of"])),
        "what_ifs": what_ifs,
        "persuasion": persuasion,
        "decided": [dict(line) for line in decided],
        "raw_rows": None
        if raw is None
        else {name: {"n_known": len(rows), "newest": _rows(rows.tail(n_raw_rows))} for name, rows in raw.items()},
        "versions": {
            "as_of": manifest["as_of"],
            "model_version": manifest["model_version"],
            "code_sha256": manifest["code_sha256"],
            "inputs_sha256": manifest["inputs_sha256"],
            "delivery": None if delivery is None else dict(delivery),
        },
    }


def as_text(told: Mapping[str, Any], *, n_reasons: int = 12) -> str:
    """The story for a terminal."""
    account, p = told["account"], told["propensity"]
    lines = [
        f"{account['account_name']} ({account['account_id']}) as of {account['as_of']}",
        f"  plan {account['plan_id']}, MRR {account['mrr']:,.2f}, renewal {account['renews_on'] or 'none'}, "
        f"stage {account['lifecycle_stage']}, health {_or(account['health_score'])} ({_or(account['health_band'])})",
        "",
        f"Rank {account['rank']}: {account['assignment']}"
        + (f", offer {account['offer_id']} by {account['channel']}" if account["offer_id"] else "")
        + (f", blocked by {account['blocked_by']} ({account['would_unblock']})" if account["blocked_by"] else ""),
        f"  pscore {account['pscore']:g}, expected ARR {_or(account['expected_arr'])}, "
        f"priority {_or(account['priority'])}",
        "",
        f"Propensity {p['value']:.4f}; contributions sum to {p['margin']:+.4f} log-odds, "
        f"points to {p['sum_of_points']:.4f} ({'adds up' if p['adds_up'] else 'DOES NOT ADD UP'})",
    ]
    for reason in told["reasons"][: n_reasons + 1]:
        lines.append(
            f"  {reason['contribution']:+8.4f}  {100 * reason['points']:+7.2f} pp  "
            f"{reason['text_en'] or 'where every account starts'}  [{reason['feature']}]"
        )
    rest = told["reasons"][n_reasons + 1 :]
    if rest:
        total = sum(reason["contribution"] for reason in rest)
        points = 100 * sum(reason["points"] for reason in rest)
        lines.append(f"  {total:+8.4f}  {points:+7.2f} pp  {len(rest)} others together")
    lines += ["", "Offers"]
    for offer in told["candidates"]:
        verdict = "allowed" if offer["is_allowed"] else f"blocked by {offer['blocked_by']}"
        lines.append(
            f"  {offer['offer_id']:<18} {verdict:<28} value {_or(offer['value'])}, priority {_or(offer['priority'])}"
        )
    if told["persuasion"]:
        lines += [
            "",
            f"Why it is persuadable to {account['offer_id']}: log-odds if asked, less those of doing it by itself",
        ]
        lines += [
            f"  {row['uplift']:+8.4f} = {row['offered']:+.4f} − ({row['alone']:+.4f})  {row['text_en']}"
            for row in told["persuasion"]
        ]
    lines += ["", "Triggers"]
    lines += [f"  {t['fired_on']}  {t['trigger']}: {t['evidence_en']}" for t in told["triggers"]] or ["  none"]
    lines += ["", "What would change it, by the model: one thing alone, within what accounts on the plan have"]
    lines += [f"  {change['goal']}: {said(change).en}" for change in told["what_ifs"] or ()] or [
        "  the model of this list is no longer there" if told["what_ifs"] is None else "  nothing of that kind"
    ]
    lines += ["", "Decided since"]
    lines += [f"  {said_of(line)}" for line in told["decided"]] or ["  nothing"]
    lines += ["", "Raw rows known by then"]
    if told["raw_rows"] is None:
        lines.append(f"  {GONE.format(as_of=account['as_of'])}")
    for name, rows in (told["raw_rows"] or {}).items():
        lines.append(f"  {name}: {rows['n_known']:,} rows, the newest:")
        lines += ["    " + ", ".join(f"{k}={v}" for k, v in row.items() if v is not None) for row in rows["newest"]]
    lines += ["", f"Model {told['versions']['model_version']}, code {told['versions']['code_sha256'][:12]}"]
    if delivery := told["versions"]["delivery"]:
        lines.append(f"Delivery {delivery['number']} in {delivery['folder']}, seal {delivery['seal']}")
    return "\n".join(lines)


def said_of(line: Mapping[str, Any]) -> str:
    """A line of the ledger in words.

    >>> said_of({"entered_at": "2026-06-02T09:00:00Z", "kind": "override", "who": "Aiko", "why": "Asked for it",
    ...          "before": {"offer_id": None}, "after": {"offer_id": "trial_next"}, "against": "unhappy"})
    '2026-06-02T09:00:00Z  override by Aiko: offer_id - → trial_next (against unhappy); Asked for it'
    """
    changes = [f"{name} {_or(line['before'][name])} → {_or(value)}" for name, value in line.get("after", {}).items()]
    what = ", ".join(changes) or str(line.get("value"))
    until = f" until {line['until']}" if line.get("until") else ""
    gate = f" (against {line['against']})" if line.get("against") else ""
    why = f"; {line['why']}" if line.get("why") else ""
    return f"{line['entered_at']}  {line['kind']} by {line['who']}: {what}{until}{gate}{why}"


def _one(rows: pd.DataFrame, account_id: str) -> dict[str, Any]:
    return _rows(rows[rows["account_id"] == account_id])[0]


def _rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: no NaN, no timestamps."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple) or (hasattr(value, "tolist") and not hasattr(value, "isoformat")):
        found = value.tolist() if hasattr(value, "tolist") else list(value)
        return _plain(found) if not isinstance(found, list) else found
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value == value.normalize() else str(value)
    return str(value) if hasattr(value, "isoformat") else value


def _or(value: Any) -> str:
    return "-" if value is None else f"{value:,.2f}" if isinstance(value, float) else str(value)
