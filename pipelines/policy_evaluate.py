"""`upsell policy evaluate`: what a policy would have earned, by any log of what was done, before it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import BadInput
from decisions import ope, ope_overlap
from decisions.ope import Estimate, Rows
from decisions.ope_overlap import Overlap
from decisions.policy_log import Log, Pscores, chances, forecasts, pscores
from models.vocabulary import Vocabulary
from pipelines import policy_folder, policy_log_file, table_file
from pipelines.policy_fit import hash_of
from pipelines.policy_folder import Kept
from pipelines.policy_log_file import Roles

LEVEL = 0.95
SHOWN = "dr"  # what policies are compared by


@dataclass(frozen=True)
class Wanted:
    """What a person asked for; None: as the policy was fitted."""

    action: str | None = None
    reward: str | None = None
    pscore: str | None = None
    group: str | None = None
    random: str | None = None
    cost: tuple[str, ...] | None = None
    min_effective: float = ope_overlap.MIN_EFFECTIVE_SIZE
    seed: int = 7


def evaluate(path: Path, folder: Path, wanted: Wanted, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Judge the policy in `folder` by the log in `path`; gives the report. BadInput where the log cannot tell."""
    kept = policy_folder.read(folder)
    table = table_file.read(path)
    roles = _roles(wanted, kept, table.column_names)
    # The log's own words: levels that the policy has not seen may have driven the choice too.
    vocabulary = Vocabulary.learn(kept.preparation.features(table))
    log = policy_log_file.read(table, roles, kept.preparation, vocabulary, kept.policy.actions)
    costs = kept.log.get("costs", {}) if wanted.cost is None else policy_log_file.costs(wanted.cost, log.actions)
    charged = np.array([float(costs.get(name, 0.0)) for name in log.actions])
    log = Log(log.X, log.action, log.reward - charged[log.action], log.pscore, log.actions, log.categorical, log.group)
    say(f"{path.name}: {len(log):,} rows, {len(log.actions)} actions")
    say(f"estimating pscores of {int(log.is_estimated.sum()):,} rows, and the overlap …")
    known, seen = pscores(log, seed=wanted.seed), chances(log, seed=wanted.seed)
    choice = np.eye(len(log.actions))[kept.choose(table)]
    found = ope_overlap.overlap(_rows(log, known, choice, np.zeros_like(choice)), seen)
    ope_overlap.check(found, least=wanted.min_effective)
    say("forecasting rewards from the rows of other groups …")
    forecast = forecasts(log, seed=wanted.seed)
    rows = _rows(log, known, choice, forecast)
    by_name = ope.estimates(rows, level=LEVEL)
    beside = _beside(log, known, forecast, seen, by_name[SHOWN], rows, wanted.min_effective)
    notes = []
    if hash_of(table, roles) == kept.log.get("hash"):
        notes.append(
            "this is the log that the policy was learnt from, so its value here is too good; judge it by another, or "
            "read what `fit` said of groups that had not been learnt from"
        )
    if known.n_floored:
        notes.append(f"{known.n_floored:,} estimated pscores were raised to the floor")
    judged = by_name[SHOWN].interval
    if judged is not None and judged.rests_on_few:
        notes.append(
            "so few rows carry the figures that the intervals may be too short; log more before it is believed"
        )
    return _report(by_name, found, beside, notes, log, roles, costs, kept)


def as_text(report: dict[str, Any]) -> str:
    """The report as a person reads it on a terminal."""
    of, overlap = report["log"], report["overlap"]
    lines = [report["verdict"], ""]
    lines += [f"log        {of['rows']:,} rows, pscore {of['pscores']}"]
    lines += [
        f"overlap    worth {overlap['effective_size']:,.0f} rows of the policy's own (effective sample size); weights "
        f"average {overlap['mean_weight']:.3f}, at most {overlap['max_weight']:.1f}",
        "",
        "chance that the log took the policy's action, and the share of the policy's actions:",
    ]
    for one in overlap["table"]:
        bar = "█" * round(40 * one["share"])
        lines.append(f"  {one['from_chance']:4.2f}-{one['to_chance']:4.2f} {one['share']:7.1%} {bar}")
    lines += ["", f"{'estimator':10s} {'net reward':>11s}   95% interval"]
    for one in report["estimates"]:
        interval = f"{one['low']:.4f} to {one['high']:.4f}" if one["low"] is not None else "none claimed"
        lines.append(f"{one['estimator']:10s} {one['value']:11.4f}   {interval:22s} {one['estimand']}")
    lines += ["", f"beside it, by {SHOWN}: net reward, and the policy less that"]
    for one in report["beside"]:
        if one["value"] is None:
            lines.append(f"  {one['policy'][:32]:32s} the log cannot tell")
        else:
            lines.append(
                f"  {one['policy'][:32]:32s} {one['value']:10.4f}   {one['difference']:+.4f} ({one['low']:+.4f} to "
                f"{one['high']:+.4f})"
            )
    lines += ["", *(f"note      {note}" for note in report["notes"])] if report["notes"] else []
    return "\n".join(lines)


def _roles(wanted: Wanted, kept: Kept, names: Sequence[str]) -> Roles:
    """The columns asked for; those that the policy was fitted with where they are there (action and reward must be)."""

    def of(role: str) -> str | None:
        given = getattr(wanted, role)
        if given is not None:
            return str(given)
        was = kept.log.get(role)
        return was if was in names or role in ("action", "reward") else None

    action, reward = of("action"), of("reward")
    if action is None or reward is None:
        raise BadInput("--action and --reward: the policy does not say which columns they were; name them.")
    return Roles(action, reward, of("pscore"), of("group"), of("random")).checked(names)


def _rows(log: Log, known: Pscores, policy: np.ndarray, forecast: np.ndarray) -> Rows:
    return Rows(policy, log.action, log.reward, known.pscore, forecast, log.group, known.scores)


def _beside(
    log: Log,
    known: Pscores,
    forecast: np.ndarray,
    seen: np.ndarray,
    judged: Estimate,
    rows: Rows,
    least: float,
) -> list[dict[str, Any]]:
    """What was really done, and each action for everyone, each with the judged policy's difference to it."""
    n = len(log)
    found = [_compared("what was done", float(log.reward.mean()), log.reward - log.reward.mean(), judged, rows)]
    for a, name in enumerate(log.actions):
        everyone = np.zeros((n, len(log.actions)))
        everyone[:, a] = 1.0
        these = _rows(log, known, everyone, forecast)
        try:
            ope_overlap.check(ope_overlap.overlap(these, seen), least=least)
        except BadInput:
            nothing = dict.fromkeys(("value", "difference", "low", "high"))
            found.append({"policy": f"{name} for everyone", **nothing})
            continue
        value, influence = ope.dr(these)
        found.append(_compared(f"{name} for everyone", value, influence, judged, rows))
    return found


def _compared(name: str, value: float, influence: np.ndarray, judged: Estimate, rows: Rows) -> dict[str, Any]:
    difference = judged.value - value
    interval = ope.around(difference, judged.influence - influence, group=rows.group, scores=rows.scores, level=LEVEL)
    low, high = (None, None) if interval is None else (round(interval.low, 8), round(interval.high, 8))
    return {"policy": name, "value": round(value, 8), "difference": round(difference, 8), "low": low, "high": high}


def _report(
    by_name: dict[str, Estimate],
    overlap: Overlap,
    beside: list[dict[str, Any]],
    notes: list[str],
    log: Log,
    roles: Roles,
    costs: dict[str, float],
    kept: Kept,
) -> dict[str, Any]:
    n_estimated = int(log.is_estimated.sum())
    said = "logged in every row" if not n_estimated else f"estimated in {n_estimated:,} of them"
    return {
        "verdict": _verdict(by_name[SHOWN], beside),
        "policy_version": kept.policy.policy_version,
        "log": {"rows": len(log), **vars(roles), "costs": costs, "pscores": said, "rows_estimated": n_estimated},
        "overlap": {
            "effective_size": round(overlap.effective_size, 2),
            "mean_weight": round(overlap.mean_weight, 6),
            "max_weight": round(overlap.max_weight, 4),
            "hardly_ever_done": round(overlap.unseen, 6),
            "table": overlap.table.round(6).to_dict("records"),
        },
        "level": LEVEL,
        "estimates": [
            {
                "estimator": name,
                "value": round(one.value, 8),
                "low": round(one.interval.low, 8) if one.interval else None,
                "high": round(one.interval.high, 8) if one.interval else None,
                "se": round(one.interval.se, 8) if one.interval else None,
                "estimand": one.estimand,
            }
            for name, one in by_name.items()
        ],
        "beside": beside,
        "notes": notes,
    }


def _verdict(judged: Estimate, beside: list[dict[str, Any]]) -> str:
    """Better or worse than what was done, beyond doubt or not."""
    done, at = beside[0], judged.interval
    said = f"The policy would have earned {judged.value:.4f} per row"
    said += f" (95% interval {at.low:.4f} to {at.high:.4f})" if at else ""
    if done["low"] is None:
        return f"{said}; what was done earned {done['value']:.4f}."
    if done["low"] > 0:
        return f"{said}: better than what was done, {done['value']:.4f}, by {done['difference']:.4f}."
    if done["high"] < 0:
        return f"{said}: worse than what was done, {done['value']:.4f}, by {-done['difference']:.4f}."
    return f"{said}; that it differs from what was done, {done['value']:.4f}, is not shown."
