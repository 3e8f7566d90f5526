"""Small files of text: written beside and renamed, so that there is never half of one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import BadInput
from pipelines import paths

if TYPE_CHECKING:
    from models.propensity import Propensity
    from models.response import Response


def text(path: Path, content: str) -> None:
    """Write a text file in UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".partial")
    beside.write_text(content, encoding="utf-8")
    beside.replace(path)


def as_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object, keys in the order given."""
    text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object that an earlier stage wrote."""
    if not path.is_file():
        raise BadInput(f"{path}: there is no such file yet; run `dvc repro`.")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def model(files: Mapping[str, str], folder: Path = paths.PROPENSITY) -> None:
    """Write a model's files, and remove boosters of an earlier one."""
    for old in folder.glob("booster_*.txt"):
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        text(folder / name, content)


def read_model(folder: Path = paths.PROPENSITY) -> "Propensity":
    """The model that stage `train` wrote. Raises BadInput where it is absent or was changed."""
    from models.propensity import Propensity  # slow to import, and most stages that write text have no model

    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no model yet; run `dvc repro`.")
    return Propensity.from_files({p.name: p.read_text(encoding="utf-8") for p in sorted(folder.iterdir())})


def read_response(folder: Path = paths.RESPONSE) -> "Response":
    """What stage `respond` learnt of offers. Raises BadInput where it is absent or was changed."""
    from models.response import Response  # slow to import, and most stages that write text have no model

    if not folder.is_dir():
        raise BadInput(f"{folder}: the response to offers is not learnt yet; run `dvc repro`.")
    return Response.from_files({p.name: p.read_text(encoding="utf-8") for p in sorted(folder.iterdir())})
