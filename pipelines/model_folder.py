"""The folder that `upsell fit` writes and `upsell predict` reads: text and JSON only, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import BadInput
from models.table import Preparation
from pipelines import written

if TYPE_CHECKING:
    from models.propensity import Propensity

TABLE = "table.json"
REPORT = "report.json"
TRIALS = "trials.csv"


def check_free(out: Path) -> None:
    """Raises BadInput where `out` holds something that `upsell fit` has not written, or cannot be made."""
    if out.is_dir():
        found = {path.name for path in out.iterdir()}
        ours = {TABLE, REPORT} <= found and all(
            name in (TABLE, REPORT, TRIALS, "model.json") or name.startswith("booster_") for name in found
        )
        if found and not ours:
            raise BadInput(f"--out: {out} holds something that is no model of `upsell fit`; give another folder.")
    elif out.exists():
        raise BadInput(f"--out: {out} is a file, and a folder was expected; give another name.")
    elif not out.absolute().parent.is_dir():
        raise BadInput(f"--out: there is no folder {out.absolute().parent}; make it first.")


def write(out: Path, model: Propensity, preparation: Preparation, report: Mapping[str, Any], trials: str) -> None:
    """Replace the folder by this model, in one step."""
    making = out.with_name(f".{out.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        written.model(model.to_files(), making)
        written.as_json(making / TABLE, {"model_version": model.model_version, **preparation.to_json()})
        written.as_json(making / REPORT, report)
        written.text(making / TRIALS, trials)
        shutil.rmtree(out, ignore_errors=True)
        making.rename(out)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def read(folder: Path) -> tuple[Propensity, Preparation]:
    """The model and how it reads a table. Raises BadInput where the folder holds none, or files were changed."""
    from models.propensity import Propensity  # slow to import

    if not (folder / TABLE).is_file():
        raise BadInput(
            f"--model: {folder} holds no model of `upsell fit` ({TABLE} is missing); give the folder of --out."
        )
    try:
        content = json.loads((folder / TABLE).read_text(encoding="utf-8"))
        version = content.pop("model_version")
    except (ValueError, KeyError, AttributeError, TypeError):
        raise BadInput(f"--model: {folder / TABLE} is not what `upsell fit` wrote; fit again.") from None
    preparation = Preparation.from_json(content)
    names = [path for path in sorted(folder.iterdir()) if path.suffix == ".txt" or path.name == "model.json"]
    try:
        model = Propensity.from_files({path.name: path.read_text(encoding="utf-8") for path in names})
    except UnicodeDecodeError:
        raise BadInput(f"--model: a file of {folder} is no text; fit again.") from None
    if model.model_version != version:
        raise BadInput(f"--model: {folder / TABLE} belongs to model {version}, and beside it is {model.model_version}.")
    return model, preparation
