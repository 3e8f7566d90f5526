"""The propensity as an MLflow model ("models from code"): read from text and JSON, nothing unpickled.

MLflow runs a copy of this file, kept with the model, when the model is loaded as `models:/<name>@champion` (also by its
server or in Spark). It finds `models` and `data` in the code that was logged with it, or in the project itself where
that is installed.
"""

import warnings
from pathlib import Path

import pandas as pd

with warnings.catch_warnings():
    # Importing it warns about MLflow's own types.
    warnings.simplefilter("ignore")
    import mlflow.pyfunc


class ServedPropensity(mlflow.pyfunc.PythonModel):
    """Features in (columns by name; text as strings, the rest as numbers), calibrated probabilities out."""

    # MLflow warns at whoever loads a class whose `predict` has no type hints, and fails on hints of pandas;
    # the signature that is logged with the model names every column.
    _skip_type_hint_validation = True

    def load_context(self, context):  # type: ignore[no-untyped-def]  # no hints, as above
        """Read the model's files and check their hashes."""
        from models.propensity import Propensity

        files = {Path(path).name: Path(path).read_text(encoding="utf-8") for path in context.artifacts.values()}
        self.model = Propensity.from_files(files)

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # no hints, as above
        """One probability per row."""
        return pd.Series(self.model.probability(model_input), name="propensity")


mlflow.models.set_model(ServedPropensity())
