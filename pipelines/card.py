"""Stage `card`: what one must know before one uses the model, on a page.

Reads   models/propensity/, models/selection.json, metrics.json, backtest.csv, slices.csv, drift.csv, scores/shift.json,
        validation.json
Writes  model_card.md
"""

import importlib.metadata
import platform

import pandas as pd

from models import card
from models.card_time import Moving
from models.drift import Selection
from pipelines import paths, stage, written
from pipelines.params import Params

PACKAGES = ("lightgbm", "numpy", "optuna", "pandas", "scikit-learn", "scipy")


def main() -> None:
    """Run the stage."""
    params = Params.load()
    about = card.About(
        company=params.run.company,
        as_of=str(params.run.as_of),
        horizon_days=params.label.horizon_days,
        min_growth=params.label.min_growth,
        requires_consent=params.gates.requires_consent,
    )
    versions = {"Python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}
    text = card.markdown(
        about,
        written.read_model(),
        written.read_json(paths.METRICS),
        pd.read_csv(paths.BACKTEST),
        pd.read_csv(paths.SLICES, keep_default_na=False, na_values=[""]),
        written.read_json(paths.VALIDATION),
        Moving(
            pd.read_csv(paths.DRIFT),
            Selection.from_json(written.read_json(paths.SELECTION)),
            written.read_json(paths.SHIFT),
        ),
        versions,
    )
    written.text(paths.MODEL_CARD, text)


if __name__ == "__main__":
    stage.run(main)
