"""`upsell policy fit`: learn from any log which action to take in which context."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from data.errors import BadInput
from decisions import policy_learning
from decisions.policy import Policy
from decisions.policy_learning import Held, Learned
from decisions.policy_log import Log
from models import columns, leaks
from models.table import Preparation
from models.vocabulary import Vocabulary
from pipelines import policy_folder, policy_log_file, table_file
from pipelines.fit import ANSWER_AUC
from pipelines.policy_folder import Kept
from pipelines.policy_log_file import Roles

# An action that was taken in fewer rows is judged by too few to be chosen.
MIN_ACTION_ROWS = 30
N_POWER_ROWS = 20_000


@dataclass(frozen=True)
class Wanted:
    """What a person asked for on the command line."""

    roles: Roles
    cost: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    seed: int = 7


def fit(path: Path, wanted: Wanted, out: Path, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Learn from the log in `path`, write the folder `out`, give the report. Raises BadInput, and writes nothing."""
    policy_folder.check_free(out)
    table = table_file.read(path)
    roles = wanted.roles.checked(table.column_names)
    preparation = policy_log_file.context(table, roles, wanted.drop)
    for name in wanted.allow:
        table_file.one_of(name, table.column_names, "--allow")
    features = preparation.features(table)
    vocabulary = Vocabulary.learn(features)
    log = policy_log_file.read(table, roles, preparation, vocabulary)
    _no_answer(features, preparation, log, roles.reward, wanted)
    counts = np.bincount(log.action, minlength=len(log.actions))
    choosable = np.flatnonzero(counts >= MIN_ACTION_ROWS)
    if len(choosable) < 2:
        raise BadInput(
            f"--action: fewer than two actions of {roles.action} were taken in {MIN_ACTION_ROWS} rows or more; give a "
            "longer log."
        )
    costs = policy_log_file.costs(wanted.cost, log.actions)
    say(f"{path.name}: {len(log):,} rows, {len(log.actions)} actions, {len(preparation.kinds):,} columns used")
    learned = policy_learning.learn(
        log,
        costs=np.array([costs.get(name, 0.0) for name in log.actions]),
        choosable=choosable,
        seed=wanted.seed,
        say=say,
    )
    report = _report(log, learned, counts, preparation, roles, costs, wanted.seed)
    said = {**vars(roles), "costs": costs, "hash": hash_of(table, roles)}
    policy_folder.write(out, Kept(learned.policy, preparation, vocabulary, said), report)
    return report


def hash_of(table: pa.Table, roles: Roles) -> str:
    """Twelve hex digits of what was done and what came of it, row by row: the same in Parquet and CSV."""
    words = columns.texts(table.column(roles.action))
    rewards = columns.numbers(table.column(roles.reward))
    text = "\n".join(f"{word}\t{reward!r}" for word, reward in zip(words, rewards.tolist(), strict=True))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def as_text(report: dict[str, Any]) -> str:
    """The report as a person reads it on a terminal."""
    of = report["log"]
    lines = [report["verdict"], ""]
    lines += [f"log       {of['rows']:,} rows" + (f", {of['groups']:,} groups" if of["groups"] < of["rows"] else "")]
    lines += [f"pscore    {of['pscores']}", ""]
    lines += [f"{'action':24s} {'rows':>8s} {'cost':>8s} {'net reward':>12s}  chosen"]
    for one in report["actions"]:
        net = "too few rows" if one["net_reward"] is None else f"{one['net_reward']:.4f}"
        lines.append(f"{one['action'][:24]:24s} {one['rows']:8,} {one['cost']:8g} {net:>12s}  {one['chosen']:.1%}")
    lines += ["", "on groups that it had not seen, net reward per row:"]
    for one in report["held_out"]:
        line = f"  {one['kind']:10s} {one['value']:.4f} ({one['low']:.4f} to {one['high']:.4f})"
        if one["gain"] is not None:
            line += f"  above the best single action {one['gain']:+.4f} "
            line += f"({one['gain_low']:+.4f} to {one['gain_high']:+.4f})"
        lines.append(line)
    lines += ["", *(f"note      {note}" for note in report["notes"][:10])] if report["notes"] else []
    return "\n".join(lines)


def _report(
    log: Log,
    learned: Learned,
    counts: np.ndarray,
    preparation: Preparation,
    roles: Roles,
    costs: dict[str, float],
    seed: int,
) -> dict[str, Any]:
    policy = learned.policy
    chosen = np.bincount(policy.choose(log.X), minlength=len(policy.actions)) / len(log)
    means = dict(zip(policy.actions, zip(policy.means, chosen, strict=True), strict=True))
    n_estimated = int(log.is_estimated.sum())
    return {
        "verdict": _verdict(policy, learned.held),
        "policy_version": policy.policy_version,
        "kind": policy.kind,
        "trust": round(policy.trust, 6),
        "log": {
            "rows": len(log),
            "groups": int(log.together.max()) + 1,
            **vars(roles),
            "pscores": _pscores(n_estimated, len(log), learned.pscores.n_floored),
            "rows_estimated": n_estimated,
        },
        "actions": [
            {
                "action": name,
                "rows": int(counts[i]),
                "cost": costs.get(name, 0.0),
                "net_reward": round(means[name][0], 8) if name in means else None,
                "chosen": round(float(means[name][1]), 6) if name in means else 0.0,
            }
            for i, name in enumerate(log.actions)
        ],
        "held_out": [_held(one) for one in learned.held.values()],
        "used": dict(preparation.kinds),
        "dropped": dict(preparation.dropped),
        "notes": list(preparation.notes),
        "seed": seed,
    }


def _pscores(n_estimated: int, n: int, n_floored: int) -> str:
    if not n_estimated:
        return "logged in every row"
    said = f"logged in {n - n_estimated:,} rows, estimated in {n_estimated:,} from the columns used"
    said += f" ({n_floored:,} of them raised to the floor)" if n_floored else ""
    return f"{said}: right only if these hold all that drove both the choice and the reward"


def _verdict(policy: Policy, held: Mapping[str, Held]) -> str:
    best = policy.actions[policy.best]
    one = held[policy.kind]
    if one.gain is None:
        return (
            f"The same for everyone: {best}. Nothing that differs by customer was proven better on groups that had not "
            "been learnt from."
        )
    return (
        f"It differs by customer ({policy.kind}): on groups that had not been learnt from, {one.gain_value:.4f} per "
        f"row better than {best} for everyone (95% interval {one.gain.low:.4f} to {one.gain.high:.4f})."
    )


def _held(one: Held) -> dict[str, Any]:
    gain = one.gain
    return {
        "kind": one.kind,
        "value": round(one.mean, 8),
        "low": round(one.value.low, 8),
        "high": round(one.value.high, 8),
        "gain": None if gain is None else round(one.gain_value, 8),
        "gain_low": None if gain is None else round(gain.low, 8),
        "gain_high": None if gain is None else round(gain.high, 8),
    }


def _no_answer(features: pd.DataFrame, preparation: Preparation, log: Log, reward: str, wanted: Wanted) -> None:
    """Raises BadInput for a column that alone tells a high reward from a low one: it was filled in afterwards."""
    rows = np.arange(len(log))
    if len(rows) > N_POWER_ROWS:
        rows = np.sort(np.random.default_rng(wanted.seed).choice(len(rows), N_POWER_ROWS, replace=False))
    y = (log.reward > log.reward.mean()).astype("float64")[rows]
    if not 0 < y.sum() < len(y):
        return
    told = leaks.powers(features.iloc[rows].reset_index(drop=True), y, log.together[rows])
    parts = {part: name for name in preparation.kinds for part in preparation.parts_of(name)}
    answers = sorted({parts[p] for p, auc in told.items() if auc > ANSWER_AUC} - set(wanted.allow))
    if answers:
        raise BadInput(
            f"{', '.join(answers[:5])} alone tells a high {reward} from a low one: that is no context but the answer; "
            f"--drop {','.join(answers[:5])}, or --allow what is known before the action."
        )
