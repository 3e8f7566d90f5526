"""Stage `find`: from which number on did accounts expand more often, and does that hold on later snapshots?

Reads   training (features), labels, staged touchpoints and surveys
Writes  thresholds.json: per trigger the number in force and where it is from (params, auto, default), with its verdict;
        thresholds.csv: one row per (trigger, which), `found` in the data and `given`, with lift and support by block;
        threshold_curves.csv: one row per (trigger, threshold) that was tried: its lift on the train block
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from data.catalog import Catalog
from data.errors import BadInput
from features.triggers import Trigger, Triggers, triggers, watched
from models.blocks import TEST, TRAIN, VALIDATION
from models.settings import Finding
from models.thresholds import Effect, Found, find
from pipelines import engines, labelled, lake, paths, stage, tables, written
from pipelines.labelled import Labelled
from pipelines.params import Params

TABLE = paths.REPORTS / "thresholds.csv"
CURVES = paths.REPORTS / "threshold_curves.csv"
BLOCKS = (TRAIN, VALIDATION, TEST)
FIGURES = ("lift", "low", "high", "rate", "base_rate", "share", "n_rows", "n_accounts", "n_positives")
OF_CURVE = ("trigger", "threshold", *FIGURES)
OF_TABLE = (
    "trigger", "setting", "column", "direction", "which", "threshold", "is_in_force", "verdict",
    *(f"{block}_{name}" for block in BLOCKS for name in FIGURES),
)  # fmt: skip
DIGITS = 6  # what the bytes of two machines share


def main() -> None:
    """Find the thresholds, and say what becomes of those that are `auto`."""
    params = Params.load()
    catalog = Catalog.load(paths.CATALOG)
    engine = lake.connect(params.engine)
    staged = lake.staged(engine)
    if not tables.TRAINING.path.is_file():
        raise BadInput(f"{tables.TRAINING.path}: there is no such file yet; run `dvc repro`.")
    predictors = engines.put(engine, tables.TRAINING.path)
    labels = tables.LABELS.read()

    # Those that give way to another come second: they apply where what is in force for that one does not fire.
    found: dict[str, Found] = {}
    named = triggers(params.triggers, catalog)
    for gives_way in (False, True):
        numbers = {name: f.number for name, f in found.items()}
        waiting = [t for t in triggers(params.triggers, catalog, numbers) if (t.unless is not None) == gives_way]
        values = lake.frame(watched(predictors, staged.get("touchpoints"), staged.get("surveys"), waiting), engine)
        rows = labelled.join(values, labels)
        for trigger in waiting:
            found[trigger.id] = _found(trigger, rows, params.find, params.run.seed)

    written.as_json(paths.THRESHOLDS, {t.id: _in_short(t, found[t.id]) for t in named})
    _write(TABLE, [row for t in named for row in _rows(t, found[t.id])], OF_TABLE)
    _write(CURVES, [row for t in named for row in _curve(t, found[t.id])], OF_CURVE)
    for trigger in named:
        if trigger.is_auto:
            print(said(trigger, found[trigger.id]))


def said(trigger: Trigger, found: Found) -> str:
    """What became of an automatic threshold, in a sentence."""
    direction = "at least" if trigger.at_least else "at most"
    number = f"{trigger.id}: fires where {trigger.column} is {direction} {found.number:g}"
    if found.source == "auto":
        later = found.best[VALIDATION]
        return (
            f"{number}, found in data: such accounts expanded {later.lift:.2f} times as often on the validation block "
            f"({later.low:.2f} to {later.high:.2f})."
        )
    why = {
        "no lift": "no threshold has a lift that is more than chance and worth an alert",
        "does not hold later": "what was found on the train block does not hold on the validation block",
        "too little data": "too few accounts or expansions to find one",
    }
    return f"{number}, the default: {why[found.verdict]}."


def _found(trigger: Trigger, rows: Labelled, settings: Finding, seed: int) -> Found:
    return find(
        rows.X[trigger.id].to_numpy(dtype="float64"),
        rows.y.to_numpy(),
        rows.groups.to_numpy(),
        rows.blocks.to_numpy(),
        at_least=trigger.at_least,
        given=trigger.number,
        is_auto=trigger.is_auto,
        settings=settings,
        seed=seed,
        may_be=partial(Triggers.may_be, trigger.setting),
    )


def _in_short(trigger: Trigger, found: Found) -> dict[str, Any]:
    is_found = found.source == "auto"
    effects = found.best if is_found else found.given
    return {
        "number": found.number,
        "source": found.source,
        "setting": trigger.setting,
        "column": trigger.column,
        "direction": "at_least" if trigger.at_least else "at_most",
        "verdict": found.verdict,
        "lift": {block: _rounded(effects[block].lift) for block in BLOCKS},
    }


def _rows(trigger: Trigger, found: Found) -> Iterator[dict[str, Any]]:
    for which, effects in (("found", found.best), ("given", found.given)):
        if not effects:
            continue
        yield {
            "trigger": trigger.id,
            "setting": trigger.setting,
            "column": trigger.column,
            "direction": "at_least" if trigger.at_least else "at_most",
            "which": which,
            "threshold": effects[TRAIN].threshold,
            "is_in_force": (which == "found") == (found.source == "auto"),
            "verdict": found.verdict if which == "found" else None,
            **{f"{block}_{name}": value for block in BLOCKS for name, value in _figures(effects[block]).items()},
        }


def _curve(trigger: Trigger, found: Found) -> Iterator[dict[str, Any]]:
    for effect in found.curve:
        yield {"trigger": trigger.id, "threshold": effect.threshold, **_figures(effect)}


def _figures(effect: Effect) -> dict[str, Any]:
    return {name: _rounded(getattr(effect, name)) for name in FIGURES}


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, DIGITS)


def _write(path: Path, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    written.text(path, pd.DataFrame(rows, columns=list(columns)).to_csv(index=False))


if __name__ == "__main__":
    stage.run(main)
