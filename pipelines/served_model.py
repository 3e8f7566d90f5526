"""The propensity as an MLflow model ("models from code"): read from text and JSON, nothing unpickled.

MLflow runs a copy of this file, kept with the model, when the model is loaded as `models:/<name>@champion` (also by its
server or in Spark). It finds `models` and `data` in the code that was logged with it, or in the project itself where
that is installed.
"""

from pathlib import Path

import mlflow
import pandas as pd


class ServedPropensity(mlflow.pyfunc.PythonModel):
    """Features in (columns by name; text as strings, the rest as numbers), calibrated probabilities out."""

    def load_context(self, context):  # type: ignore[no-untyped-def]  # MLflow inspects this signature
        """Read the model's files and check their hashes."""
        from models.propensity import Propensity

        files = {Path(path).name: Path(path).read_text(encoding="utf-8") for path in context.artifacts.values()}
        self.model = Propensity.from_files(files)

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # as above
        """One probability per row."""
        return pd.Series(self.model.probability(model_input), name="propensity")


mlflow.models.set_model(ServedPropensity())
