"""`upsell fit`: the propensity engine on any table.

The latest rows (or whole groups, or random rows) judge what was learnt from the others; then the model learns again
from all rows, and that one is written. Nothing is written where anything is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from data.errors import BadInput
from models import columns, evaluation, leaks, learning, outcome, table, verdict
from models.learning import Learned, Rows
from models.propensity import Propensity
from models.settings import Evaluation, Leaks, Training, Tuning
from models.table import Preparation
from models.tuning import Progress
from pipelines import model_folder, table_file

# A column that alone tells the classes apart this well is the answer; from Leaks.max_auc on it is only told, since in
# a table of which nothing else is known a measurement may be that good.
ANSWER_AUC = 0.99
MIN_GROUPS = 10
N_POWER_ROWS = 20_000  # are enough to see that
N_SHOWN = 10
METRICS = ("auc", "average_precision", "log_loss", "brier", "calibration_error", "lift")


@dataclass(frozen=True)
class Wanted:
    """What a person asked for on the command line."""

    target: str
    time: str | None = None
    group: str | None = None
    drop: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    positive: str | None = None
    gap: float = 0.0
    trials: int = Tuning().n_trials
    timeout: float | None = None
    seed: int = 7


def fit(
    path: Path,
    wanted: Wanted,
    out: Path,
    say: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Fit on the table in `path` and write the folder `out`; gives the report. Raises BadInput, and writes nothing.

    `say` is told in a line what is being done, `progress` of each trial.
    """
    model_folder.check_free(out)
    whole = table_file.read(path)
    wanted = _checked(wanted, whole.column_names)
    target = outcome.target(whole.column(wanted.target), wanted.target, wanted.positive)
    known = whole if target.is_known.all() else whole.filter(pa.array(target.is_known))
    times = table.times(known, wanted.time) if wanted.time else None
    groups = _groups(known, wanted.group) if wanted.group else None
    preparation = Preparation.learn(
        known, target=wanted.target, positive=target.positive, time=wanted.time, group=wanted.group, drop=wanted.drop
    )
    rows = Rows(preparation.features(known), target.y, times, groups, wanted.gap)
    say(f"{path.name}: {len(rows):,} rows, {len(preparation.kinds):,} columns used")
    early, late = learning.held_out(rows, seed=wanted.seed)
    notes = [*preparation.notes, *_strong(preparation, rows.take(early), wanted)]

    # Where rows have times, what to choose is asked twice: for the model that is judged, and for the one that is
    # written, which may look at the latest rows too, those most like what comes next.
    is_timed = rows.times is not None
    seconds = wanted.timeout / 2 if wanted.timeout and is_timed else wanted.timeout
    how: dict[str, Any] = {
        "tuning_settings": Tuning(n_trials=wanted.trials, timeout_s=seconds),
        "training": Training(),
        "seed": wanted.seed,
        "say": say,
    }
    first = learning.learn(rows.take(early), **how, progress=progress)
    judged = rows.take(late)
    compared, said = _judged(first.model, judged, float(rows.y[early].mean()), wanted.seed)
    final = learning.learn(rows, found=None if is_timed else first, **how)
    if first.tuned.note:
        notes.append(first.tuned.note)
    left_out = _dropped_by_model(final, preparation)
    # What the model does not read, later tables need not have.
    used = {name: kind for name, kind in preparation.kinds.items() if name not in left_out}
    preparation = replace(preparation, kinds=used, dropped={**preparation.dropped, **left_out})
    report = {
        "verdict": said.sentence,
        "is_better_than_base_rate": said.is_better_than_base_rate,
        "model_version": final.model.model_version,
        "table": {
            "rows": whole.num_rows,
            "rows_without_target": int((~target.is_known).sum()),
            "target": wanted.target,
            "positive": target.positive,
            "negative": target.negative,
            "rate": round(target.rate, 6),
            "time": wanted.time,
            "group": wanted.group,
        },
        "judged_on": _described(rows, early, late, wanted),
        "interval": Evaluation().interval,
        **{name: {m: by[m].to_json() for m in METRICS} for name, by in compared.metrics.items()},
        "used": used,
        "dropped": dict(preparation.dropped),
        "notes": notes,
        "importance": _importance(final.model, preparation, judged.X),
        "search": final.tuned.to_json(),
        "selection": final.selection.to_json(),
        "calibrator": final.model.calibrator.kind,
        "seed": wanted.seed,
    }
    model_folder.write(out, final.model, preparation, report, final.trials.to_csv(index=False, float_format="%.8g"))
    return report


def as_text(report: dict[str, Any]) -> str:
    """The report as a person reads it on a terminal."""
    of, judged = report["table"], report["judged_on"]
    lines = [
        report["verdict"],
        "",
        f"target    {of['target']}: {of['positive']} (positive, {of['rate']:.2%}) against {of['negative']}",
        f"rows      {of['rows']:,}"
        + (f", {of['rows_without_target']:,} of them without a target" if of["rows_without_target"] else ""),
        f"judged on {judged['words']}: {judged['rows']:,} rows, {judged['positives']:,} positive,",
        f"          by a model that learnt from {judged['rows_learnt']:,}; the model written learnt from all",
    ]
    if report["ours"]["auc"]["value"] is not None:
        lines += ["", f"{'metric':<20}{'model':>10}   {report['interval']:.0%} interval       base rate"]
        for name in METRICS:
            ours, base = report["ours"][name], report["base_rate"][name]
            between = f"{ours['low']:.4f} to {ours['high']:.4f}"
            lines.append(f"{name.replace('_', ' '):<20}{ours['value']:>10.4f}   {between:<18}{base['value']:>9.4f}")
    strongest = list(report["importance"].items())[:N_SHOWN]
    lines += ["", f"used      {len(report['used']):,} columns; of what they add (mean log-odds):"]
    lines += [f"          {share:>6.1%}  {name}" for name, share in strongest]
    left = report["dropped"]
    lines += ["", f"left out  {len(left):,} columns:"] if left else []
    lines += [f"          {name}: {why}" for name, why in list(left.items())[:N_SHOWN]]
    if len(left) > N_SHOWN:
        lines.append(f"          … and {len(left) - N_SHOWN:,} more, all in report.json")
    notes = report["notes"]
    lines += ["", *(f"note      {note}" for note in notes[:N_SHOWN])] if notes else []
    if len(notes) > N_SHOWN:
        lines.append(f"          … and {len(notes) - N_SHOWN:,} more, all in report.json")
    return "\n".join(lines)


def _checked(wanted: Wanted, names: Sequence[str]) -> Wanted:
    """Every column that is named is there, and none has two roles."""
    roles = {"--target": wanted.target, "--time": wanted.time, "--group": wanted.group}
    given = {option: name for option, name in roles.items() if name is not None}
    for option, name in given.items():
        table_file.one_of(name, names, option)
    for option, listed in (("--drop", wanted.drop), ("--allow", wanted.allow)):
        for name in listed:
            table_file.one_of(name, names, option)
    for option, name in given.items():
        both = [other for other, its in given.items() if its == name and other != option]
        if both or name in wanted.drop:
            raise BadInput(f"{option}: {name} is also given as {both[0] if both else '--drop'}; it can be only one.")
    if wanted.gap and wanted.time is None:
        raise BadInput("--gap is a span of time, and no --time is given; name the column, or leave --gap out.")
    return wanted


def _groups(known: pa.Table, name: str) -> np.ndarray:
    """A whole number per row. Raises BadInput where a row's group is missing, or there are too few."""
    column = known.column(name)
    if columns.kind_of(column) == "other":
        raise BadInput(f"--group: {name} is of type {column.type}, and a text or number was expected.")
    groups = columns.texts(column)
    if n_missing := int((groups.codes < 0).sum()):
        raise BadInput(f"--group: {name} is missing in {n_missing:,} of {len(groups):,} rows; fill it in.")
    if len(groups.categories) < MIN_GROUPS:
        raise BadInput(
            f"--group: {name} has {len(groups.categories)} values, and at least {MIN_GROUPS} groups are needed to hold "
            "some out; leave --group out, or give a finer one."
        )
    return np.asarray(groups.codes, dtype="int64")


def _strong(preparation: Preparation, rows: Rows, wanted: Wanted) -> list[str]:
    """A sentence per column that alone tells suspiciously much. Raises BadInput for one that gives the answer away."""
    settings = Leaks()
    if len(rows) > N_POWER_ROWS:
        some = np.random.default_rng(wanted.seed).choice(len(rows), N_POWER_ROWS, replace=False)
        rows = rows.take(np.sort(some))
    if min(rows.y.sum(), len(rows) - rows.y.sum()) < settings.min_accounts:
        return []
    column_of = {part: name for name in preparation.kinds for part in preparation.parts_of(name)}
    strongest: dict[str, float] = {}
    for part, auc in leaks.powers(rows.X, rows.y, rows.together, min_accounts=settings.min_accounts).items():
        strongest[column_of[part]] = max(auc, strongest.get(column_of[part], 0.5))
    suspects = {name: auc for name, auc in strongest.items() if name not in wanted.allow}
    answers = [name for name, auc in suspects.items() if auc > ANSWER_AUC]
    if answers:
        first = answers[0]
        more = f" (and so do {', '.join(answers[1:5])}{' …' if len(answers) > 5 else ''})" if answers[1:] else ""
        raise BadInput(
            f"{first} alone tells the target {wanted.target} with an AUC of {suspects[first]:.3f}{more}: that is no "
            f"signal but the answer; --drop {','.join(answers[:5])}, or --allow what is known beforehand."
        )
    return [
        f"{name} alone tells the target with an AUC of {auc:.3f}: is it known beforehand? Otherwise --drop it"
        for name, auc in suspects.items()
        if auc > settings.max_auc
    ]


def _judged(
    model: Propensity, rows: Rows, base_rate: float, seed: int
) -> tuple[evaluation.Comparison, verdict.Verdict]:
    y, p, groups = pd.Series(rows.y), model.probability(rows.X), pd.Series(rows.together)
    settings = Evaluation(n_bootstrap=Evaluation().n_bootstrap if len(rows) <= 50_000 else 100)
    systems = {"ours": p, "base_rate": np.full(len(rows), base_rate)}
    compared = evaluation.compare(y, systems, settings=settings, seed=seed, groups=groups)
    before = verdict.order_before_calibration(y, p, model.margin(rows.X), settings=settings, seed=seed, groups=groups)
    return compared, verdict.verdict(compared, settings.interval, before_calibration=before, rows="rows")


def _described(rows: Rows, early: np.ndarray, late: np.ndarray, wanted: Wanted) -> dict[str, Any]:
    if rows.times is not None:
        start = rows.times[late].min()
        at = f"{pd.Timestamp(start):%Y-%m-%d}" if rows.times.dtype.kind == "M" else f"{start:g}"
        words = f"the last {len(late) / len(rows):.0%} by {wanted.time}, from {at} on"
    elif rows.groups is not None:
        words = f"whole groups by {wanted.group}, drawn at random"
    else:
        words = "rows drawn at random"
    return {
        "words": words,
        "rows": len(late),
        "positives": int(rows.y[late].sum()),
        "rows_learnt": len(early),
        "groups": len(np.unique(rows.together[late])),
    }


def _dropped_by_model(learned: Learned, preparation: Preparation) -> dict[str, str]:
    """Columns all of whose features the model left out."""
    why = {**learned.model.vocabulary.dropped, **learned.selection.dropped}
    return {
        name: why[preparation.parts_of(name)[0]]
        for name in preparation.kinds
        if all(part in why for part in preparation.parts_of(name))
    }


def _importance(model: Any, preparation: Preparation, X: pd.DataFrame, most: int = 2_000) -> dict[str, float]:
    """Each column's share of the mean |contribution| over some of the judged rows, the largest first."""
    contributions = model.contributions(X.iloc[:: max(1, len(X) // most)])
    names, summed = preparation.by_column(contributions, model.features)
    mean = np.abs(summed[:, :-1]).mean(axis=0)
    shares = mean / (mean.sum() or 1.0)
    order = sorted(range(len(names)), key=lambda i: (-shares[i], names[i]))
    return {names[i]: round(float(shares[i]), 6) for i in order if shares[i] > 0}
