"""`python -m benchmarks.quality DATA`: everyone on everything, two hours at 60 seconds each; see --help for less.

Writes its keys into benchmarks/results/propensity.json, one by one, and docs/benchmarks.md from all that is there.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.quality import contest, looks, measured, merging, table
from benchmarks.quality.contest import Prediction
from benchmarks.quality.measured import Figures
from benchmarks.quality.splits import BANK, DATA_SETS, N_FOLDS, TARGET, Split
from benchmarks.quality.systems import OURS, PEERS_PYTHON, SYSTEMS, System
from data.errors import BadInput
from pipelines import stage

KEPT = Path("data/lake/quality")
QUICK_S = 10
LEAST_S = 10  # for a fold
FOLDS_REHEARSED = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Compete, measure, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.quality", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder that holds bank_marketing/ and hillstrom/")
    parser.add_argument("--seconds", type=int, default=60, help="for each system on each data set")
    parser.add_argument("--threads", type=int, default=contest.THREADS, help="for each system")
    parser.add_argument("--only", default="", help=f"some of {', '.join(DATA_SETS)}; with commas")
    parser.add_argument("--systems", default="", help=f"for a rehearsal: some of {', '.join(SYSTEMS)}, beside ours")
    parser.add_argument(
        "--rehearse",
        action="store_true",
        help="learn and judge within the training rows; nothing is written, and the rows that judge are not looked at",
    )
    parser.add_argument("--quick", action="store_true", help=f"a rehearsal of {QUICK_S} seconds each")
    given = parser.parse_args(arguments)
    rehearsing, seconds = given.rehearse or given.quick, QUICK_S if given.quick else given.seconds
    if given.systems and not rehearsing:
        raise BadInput("--systems: the table holds all of them; leave some out with --rehearse only.")
    data_sets = _some(given.only, DATA_SETS, "--only")
    systems = {name: SYSTEMS[name] for name in SYSTEMS if name in {OURS, *_some(given.systems, SYSTEMS, "--systems")}}
    if len(systems) > 1 and not PEERS_PYTHON.is_file():
        raise BadInput(f"{PEERS_PYTHON}: there is no such file; run `make bench-quality DATA={given.data}`.")

    failures: list[str] = []
    for name in data_sets:
        splits = list(DATA_SETS[name](given.data))
        if rehearsing:
            splits = [split.rehearsed() for split in splits[:FOLDS_REHEARSED]]
        each = max(LEAST_S, seconds // len(splits)) if len(splits) > 1 else seconds
        predicted, failed = _predicted(
            splits, systems, each, given.threads, KEPT / ("rehearsal" if rehearsing else "judged")
        )
        failures += failed
        n_looks = _looked(name, seconds, [systems[system] for system in predicted]) if not rehearsing else 0
        told = _keys(splits, predicted, n_looks) | {"seconds_each": each, "threads_each": given.threads}
        found = {f"{name}.{key}": value for key, value in told.items()}
        print(table.markdown(found), flush=True)
        if not rehearsing:
            merging.merge(name, found)
    if failures:
        raise BadInput("\n".join(failures))


def _predicted(
    splits: Sequence[Split], systems: Mapping[str, System], seconds: int, threads: int, kept: Path
) -> tuple[dict[str, list[Prediction]], list[str]]:
    """By system, a prediction per split; and a sentence for each system that failed, of which nothing is told then."""
    predicted: dict[str, list[Prediction]] = {name: [] for name in systems}
    failures = []
    for split in splits:
        folder = kept / split.name
        inputs = contest.lay_out(split, folder, threads=threads)
        for name in list(predicted):
            try:
                one = contest.predict(systems[name], split, folder, given=inputs, seconds=seconds * systems[name].times)
            except contest.Failed as failure:
                if name == OURS:
                    raise BadInput(str(failure)) from None
                failures.append(str(failure))
                del predicted[name]
                continue
            predicted[name].append(one)
            print(f"{split.name}: {name} took {one.seconds:.0f} s and {one.mb:.0f} MB", flush=True)
    return predicted, failures


def _looked(data_set: str, seconds: int, systems: Sequence[System]) -> int:
    """Log the look where the data set is the one that judges; returns how many there have been."""
    if data_set != BANK:
        return 0
    return looks.log(
        looks.LOOKS,
        looked_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        commit=_commit(),
        data_set=data_set,
        seconds=seconds,
        systems={system.name: system.version for system in systems},
    )


def _keys(
    splits: Sequence[Split], predicted: Mapping[str, Sequence[Prediction]], n_looks: int
) -> dict[str, float | int | str | bool]:
    """All that is told of one data set, the data set's name still to be put before."""
    truths = [split.test[TARGET].to_numpy("float64") for split in splits]
    figures = _figures(splits, truths, predicted)
    found: dict[str, float | int | str | bool] = {
        "n_train": len(splits[0].train),
        "n_test": len(splits[0].test),
        "n_test_positive": int(truths[0].sum()),
        "split": splits[0].digest,
    }
    if n_looks:
        found["n_looks"] = n_looks
    same_seconds = {name: told for name, told in figures.items() if SYSTEMS[name].times == 1}
    # With five times the seconds AutoGluon stands in its own place, not in two.
    as_it_likes = {name: told for name, told in figures.items() if f"{name}_5x" not in figures}
    for suffix, field in (("", same_seconds), ("_with_autogluon_5x", as_it_likes)):
        if len(field) > 1:
            found |= {f"rank_{metric}{suffix}": measured.rank(metric, field, OURS) for metric in ("logloss", "auc")}
            found[f"is_among_best{suffix}"] = all(
                measured.is_among_best(metric, field, OURS) for metric in ("logloss", "auc")
            )
    for name, told in figures.items():
        for metric in measured.METRICS:
            found[f"{name}.{metric}"] = round(told.value[metric], 5)
            found[f"{name}.{metric}_se"] = round(told.error[metric], 5)
            if name != OURS:
                found[f"{name}.{metric}_paired_se"] = round(told.paired_error[metric], 5)
        found[f"{name}.seconds"] = round(float(np.mean([one.seconds for one in predicted[name]])), 1)
        found[f"{name}.mb"] = round(max(one.mb for one in predicted[name]))
        if name != OURS:
            found[f"{name}.version"] = SYSTEMS[name].version
    return found


def _figures(
    splits: Sequence[Split], truths: Sequence[np.ndarray], predicted: Mapping[str, Sequence[Prediction]]
) -> dict[str, Figures]:
    if len(splits) > 1:
        parts = {system: [one.p for one in told] for system, told in predicted.items()}
        return measured.by_fold(truths, parts, n_folds=N_FOLDS)
    (split,) = splits
    groups = None if split.group is None else split.test[split.group].to_numpy()
    whole = {system: told[0].p for system, told in predicted.items()}
    return measured.by_bootstrap(truths[0], whole, groups=groups, seed=contest.SEED)


def _some(named: str, known: Mapping[str, object], option: str) -> list[str]:
    chosen = [name for name in named.split(",") if name]
    for name in chosen:
        if name not in known:
            raise BadInput(f"{option}: {name!r} is not one of {', '.join(known)}.")
    return chosen or list(known)


def _commit() -> str:
    """The commit that is looked at, with `+` where the working copy differs from it."""
    command = ["git", "describe", "--always", "--exclude=*", "--abbrev=12", "--dirty=+"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - as it stands here
    return said.stdout.strip()


if __name__ == "__main__":
    stage.run(main)
