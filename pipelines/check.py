"""Stage `check`: does any column hold the answer, or the future?

Reads   training, labels of the train and validation blocks, staged tables
Writes  reports/leaks.json and .md, also where it then stops the run: before anything is learnt
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.backends import BaseBackend

from data.catalog import Catalog
from data.contract import ACCOUNTS
from data.errors import BadInput
from data.known import known_alone
from features.health import Health
from features.hindsight import without_hindsight
from features.lifecycle import Lifecycle
from models import leaks
from models.blocks import TRAIN, target
from models.leaks import Leak
from models.settings import Leaks
from pipelines import labelled, lake, paths, stage, written
from pipelines.labelled import Labelled
from pipelines.params import Params

N_SHOWN = 10  # features in the report's table
N_TOLD = 5  # leaks on the terminal: one cause often shows in many columns
FORMS = {
    "power": "Too strong on its own",
    "winners": "Known by the outcome",
    "future": "Later than the snapshot it serves",
}


@dataclass(frozen=True)
class Checked:
    """What was looked at and what was found; `leaks` are all, those that are allowed included."""

    n_rows: int
    n_positive: int
    days: list[date]  # whose features were built again
    auc: dict[str, float]  # of each feature alone, the strongest first
    not_rebuilt: list[str]  # columns that the code of the features does not make, so that no one knows what they read
    leaks: list[Leak]
    names: list[str]  # that may be allowed
    settings: Leaks

    @property
    def problems(self) -> list[str]:
        """A sentence for each leak that is not allowed."""
        return [
            f"leak: {leak.says}. Mend {leak.column} or leave it out; or, if you know better, allow it in params.yaml: "
            f"leaks: {{allowed: [{leak.column}]}}."
            for leak in self.leaks
            if leak.column not in self.settings.allowed
        ]

    @property
    def idle(self) -> list[str]:
        """Names that are allowed, and look like no leak."""
        return [name for name in self.settings.allowed if name not in {leak.column for leak in self.leaks}]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "is_good": not self.problems,
            "problems": self.problems,
            "leaks": [
                {**asdict(leak), "figure": round(leak.figure, 6), "is_allowed": leak.column in self.settings.allowed}
                for leak in self.leaks
            ],
            "allowed_for_nothing": self.idle,
            "n_rows": self.n_rows,
            "n_positive": self.n_positive,
            "rebuilt_days": [str(day) for day in self.days],
            "not_rebuilt": self.not_rebuilt,
            "auc": {name: round(value, 6) for name, value in self.auc.items()},
        }

    def as_markdown(self) -> str:
        """For people, readable on a terminal as it is."""
        found = {True: "Leaks were found, and the run stops.", False: "No leak was found."}[bool(self.problems)]
        if self.leaks and not self.problems:
            found = "What looks like a leak is allowed in params.yaml."
        lines = ["# Leaks", "", found, ""]
        for form, title in FORMS.items():
            of_form = [leak for leak in self.leaks if leak.form == form]
            if of_form:
                lines += [f"## {title}", ""]
                for leak in of_form:
                    allowed = " (allowed)" if leak.column in self.settings.allowed else ""
                    lines += [f"- `{leak.column}`{allowed}: {leak.says}."]
                lines += [""]
        lines += [
            f"Looked at: {self.n_rows:,} snapshots of the train and validation blocks, {self.n_positive:,} of which "
            f"expanded; the features as of {' and '.join(map(str, self.days)) or 'no day'} were built again from what "
            "was known by then.",
        ]
        if self.not_rebuilt:
            lines += [
                "",
                "Not built by the code of the features, so that nobody can say whether they read the future: "
                f"{', '.join(self.not_rebuilt)}.",
            ]
        if self.idle:
            lines += ["", f"Allowed in params.yaml (leaks.allowed) and no leak: {', '.join(self.idle)}. Take it out."]
        lines += ["", "| feature | AUC alone |", "|---|---|"]
        lines += [f"| {name} | {value:.3f} |" for name, value in list(self.auc.items())[:N_SHOWN]]
        return "\n".join(lines) + "\n"


def checked(
    rows: Labelled,
    staged: Mapping[str, ir.Table],
    engine: BaseBackend,
    catalog: Catalog,
    *,
    health: Health,
    lifecycle: Lifecycle,
    settings: Leaks,
) -> Checked:
    """Look at labelled snapshots, of which those of the test block are left alone, and at what they were built from.

    Raises BadInput where `settings.allowed` names what is neither a feature nor a raw column.
    """
    names = [*rows.X.columns, "account_id", *(".".join(pair) for pair in leaks.raw_columns([*staged]))]
    _stop_at_unknown(settings.allowed, names)
    train, seen = rows.block(TRAIN), rows.learning()
    y, accounts = target(seen.y), seen.groups.to_numpy()
    auc = leaks.powers(seen.X, y, accounts, min_accounts=settings.min_accounts)

    # the last snapshot of the train block has most of its future among the tables; then the last ones of all
    last = sorted(set(seen.periods), reverse=True)
    days = list(dict.fromkeys([*sorted(set(train.periods))[-1:], *last]))[: settings.n_days]
    found, not_rebuilt = leaks.too_strong(auc, y, accounts, settings), set[str]()
    found += leaks.known_by_outcome(seen.X.notna(), y, accounts, settings)
    found += _known_of_accounts(seen, staged[ACCOUNTS.name], engine, settings)
    for day in days:
        rebuilt = without_hindsight(staged, catalog, health, lifecycle, as_of=day.date())
        was = _written(seen, day)
        not_rebuilt |= set(was.columns) - set(rebuilt.columns)
        shared = [name for name in was.columns if name in rebuilt.columns]
        found += leaks.from_the_future(was, lake.frame(rebuilt.select(*shared), engine))
        found += _raw_known(seen, day, staged, engine, settings)
    found += leaks.dated_later(seen.X, [*accounts], seen.periods)
    return Checked(
        n_rows=len(y),
        n_positive=int(y.sum()),
        days=sorted(day.date() for day in days),
        auc=dict(sorted(auc.items(), key=lambda pair: (-pair[1], pair[0]))),
        not_rebuilt=sorted(not_rebuilt),
        leaks=_once(found),
        names=names,
        settings=settings,
    )


def stop_at_leaks(found: Checked, *, where: str = f"in {paths.LEAKS_MD}") -> None:
    """Raise BadInput with a line for each of the first leaks that are not allowed, where there are any.

    where: the report on all of them can be read.
    """
    told, rest = found.problems[:N_TOLD], len(found.problems[N_TOLD:])
    if rest:
        told.append(f"{rest} more {'is' if rest == 1 else 'are'} in the report {where}.")
    if told:
        raise BadInput("\n".join(told))


def main() -> None:
    """Look for leaks; write what was found; stop where one is not allowed."""
    params = Params.load()
    engine = lake.connect(params.engine)
    found = checked(
        labelled.read(),
        lake.staged(engine),
        engine,
        Catalog.load(paths.CATALOG),
        health=params.health,
        lifecycle=params.lifecycle,
        settings=params.leaks,
    )
    written.text(paths.LEAKS_MD, found.as_markdown())
    written.as_json(paths.LEAKS, found.as_json())
    if found.idle:
        print(f"params.yaml: leaks.allowed names {', '.join(found.idle)}, no leak (any more); take it out.")
    stop_at_leaks(found)


def _written(seen: Labelled, day: pd.Timestamp) -> pd.DataFrame:
    is_day = (seen.periods == day).to_numpy()
    return seen.X[is_day].assign(account_id=seen.groups[is_day], as_of=day)


def _known_of_accounts(seen: Labelled, accounts: ir.Table, engine: BaseBackend, settings: Leaks) -> list[Leak]:
    """What an account's first snapshot knows, and its row in `accounts`, against whether it ever expands."""
    order = np.argsort(seen.periods.to_numpy(), kind="stable")
    ids, place = np.unique(seen.groups.to_numpy()[order], return_index=True)
    ever = target(seen.y.groupby(seen.groups.to_numpy()).max().loc[ids])
    is_last = (seen.periods == seen.periods.max()).to_numpy()
    has_left = ~np.isin(ids, seen.groups.to_numpy()[is_last])
    columns = [column for _, column in leaks.raw_columns([ACCOUNTS.name])]
    raw = lake.frame(accounts.select(*columns), engine).set_index("account_id").reindex(ids)
    known = seen.X.iloc[order[place]].notna().reset_index(drop=True)
    known = known.assign(**{f"{ACCOUNTS.name}.{c}": raw[c].notna().to_numpy() for c in columns if c in raw})
    return leaks.known_of_accounts(known, ever, has_left, ids, settings)


def _raw_known(
    seen: Labelled, day: pd.Timestamp, staged: Mapping[str, ir.Table], engine: BaseBackend, settings: Leaks
) -> list[Leak]:
    """What the tables of events know of an account before a day against whether it expands from then on."""
    now = (seen.periods >= day).to_numpy()
    later = seen.y[now].groupby(seen.groups[now].to_numpy()).max()
    asked = np.sort(seen.groups[(seen.periods == day).to_numpy()].to_numpy())
    known: dict[str, np.ndarray] = {}
    for table, rows in known_alone(staged, day.date()).items():
        if table == ACCOUNTS.name:
            continue
        columns = [column for _, column in leaks.raw_columns([table])]
        has = {column: rows[column].notnull().ifelse(1, 0).max() for column in columns}
        of_account = lake.frame(
            rows.group_by("account_id").aggregate(**{f"has_{c}": of for c, of in has.items()}), engine
        )
        of_account = of_account.set_index("account_id").reindex(asked)
        known |= {f"{table}.{column}": of_account[f"has_{column}"].fillna(0).to_numpy() == 1 for column in columns}
    unit = f"accounts that expand from {day:%Y-%m-%d} on"
    return leaks.known_by_outcome(pd.DataFrame(known), target(later.loc[asked]), asked, settings, unit=unit)


def _once(found: Sequence[Leak]) -> list[Leak]:
    """Each column's first leak of each form, form by form."""
    first = {(leak.form, leak.column): leak for leak in reversed(found)}
    return sorted(first.values(), key=lambda leak: ([*FORMS].index(leak.form), leak.column))


def _stop_at_unknown(allowed: Sequence[str], names: Sequence[str]) -> None:
    for name in allowed:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else "take it out."
            raise BadInput(f"params.yaml: leaks.allowed: there is no feature or raw column {name}; {hint}")


if __name__ == "__main__":
    stage.run(main)
