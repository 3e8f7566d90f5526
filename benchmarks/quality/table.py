"""docs/benchmarks.md, made of benchmarks/results/propensity.json: a table per data set, best log loss first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.quality.measured import METRICS
from benchmarks.quality.splits import BANK, DATA_SETS, PRESETS
from benchmarks.quality.systems import OURS, SYSTEMS

Results = Mapping[str, float | int | str | bool]
HEADS = {
    "auc": "AUC",
    "average_precision": "average precision",
    "logloss": "log loss",
    "brier": "Brier",
    "ece": "calibration error",
    "lift": "lift at 10 %",
}
DIGITS = {"lift": 2}
NAMES = {
    BANK: "`bank_marketing`: later calls than those learnt from",
    "hillstrom": "`hillstrom`: did the customer visit?",
    "breast_cancer": "`breast_cancer`: a tiny case, in repeated folds",
    **{preset: f"`{preset}`: a simulated company" for preset in PRESETS},
}
HEAD = """# Ours beside its peers

<!-- made by `make bench-quality` from benchmarks/results/propensity.json; edit benchmarks/quality/table.py -->

Every system learns from the same rows, has the same seconds and as many threads on the same machine, takes the columns
as it likes them (categories as categories) and chooses within the training rows. Where rows have an order in time,
those that judge are later than all that teach; CatBoost and FLAML, which can be told of time, are told. CatBoost and
XGBoost are searched by Optuna, from their defaults on. Beside the figures of a peer, in brackets: its difference to
ours ± the paired standard error of that difference. Calibration error: ten bins of equal count. Seconds and MB are of a
whole process, imports included. AutoGluon runs without the neural networks that need PyTorch.
"""


def markdown(results: Results) -> str:
    """The whole page; data sets without figures are left out."""
    parts = [HEAD]
    for data_set in DATA_SETS:
        if f"{data_set}.{OURS}.auc" in results:
            parts.append(f"## {NAMES[data_set]}\n\n{_facts(results, data_set)}\n\n{_table(results, data_set)}\n")
    if "simulator.ours.ece" in results:
        parts.append(
            "## Against true probabilities\n\n"
            f"Preset `midmarket`, {results['simulator.ours.n_accounts']:,} accounts, test block: calibration error "
            f"against the simulator's own probabilities {results['simulator.ours.ece']:.4f}.\n"
        )
    return "\n".join(parts)


def _facts(results: Results, data_set: str) -> str:
    def of(name: str) -> float | int | str | bool:
        return results[f"{data_set}.{name}"]

    threads = int(of("threads_each"))
    told = [
        f"{of('n_train'):,} rows teach, {of('n_test'):,} judge ({of('n_test_positive'):,} positive); "
        f"{of('seconds_each')} seconds and {threads} thread{'' if threads == 1 else 's'} each."
    ]
    if f"{data_set}.n_looks" in results:
        n = of("n_looks")
        told.append(
            f"The rows that judge have been looked at {n} {'time' if n == 1 else 'times'} (`benchmarks/looks.csv`)."
        )
    for key, among in (("", "systems with the same seconds"), ("_with_autogluon_5x", "all")):
        if f"{data_set}.is_among_best{key}" in results:
            ranks = f"{of(f'rank_logloss{key}')} in log loss and {of(f'rank_auc{key}')} in AUC"
            holds = "holds" if of(f"is_among_best{key}") else "does not hold"
            told.append(
                f"Among {among}, ours has rank {ranks}; best, second or within a standard error of it: {holds}."
            )
    return "\n".join(told)


def _table(results: Results, data_set: str) -> str:
    present = [name for name in SYSTEMS if f"{data_set}.{name}.logloss" in results]
    present.sort(key=lambda name: results[f"{data_set}.{name}.logloss"])
    lines = [["", *HEADS.values(), "seconds", "MB"], ["---", *["---:"] * (len(HEADS) + 2)]]
    for name in present:
        costs = [f"{results[f'{data_set}.{name}.{cost}']:.0f}" for cost in ("seconds", "mb")]
        title = f"**{SYSTEMS[name].title}**" if name == OURS else SYSTEMS[name].title
        lines.append([title, *(_cell(results, data_set, name, metric) for metric in METRICS), *costs])
    return "\n".join(_row(cells) for cells in lines)


def _cell(results: Results, data_set: str, name: str, metric: str) -> str:
    key, digits = f"{data_set}.{name}.{metric}", DIGITS.get(metric, 4)
    value = float(results[key])
    if name == OURS:
        return f"**{value:.{digits}f}**"
    ours = float(results[f"{data_set}.{OURS}.{metric}"])
    return f"{value:.{digits}f} ({value - ours:+.{digits}f} ± {float(results[f'{key}_paired_se']):.{digits}f})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
