"""What `upsell audit` asks of the very model and the very response that a list was made with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from data.catalog import Catalog
from data.settings import read_yaml
from delivery.persuasion import told
from pipelines import paths, sealed, tables, written
from pipelines.params import Params
from pipelines.persuasion import persuasion
from pipelines.tables import Table
from pipelines.what_ifs import Known, levelled


def known(made_of: Path | None, manifest: Mapping[str, Any]) -> Known | None:
    """From what was sealed with the list, or else from the lake; None where neither is what made it."""
    if made_of is not None and made_of.is_dir():
        current = Table(made_of / "current.parquet", tables.CURRENT.key).read()
        model, files = written.read_model(made_of / sealed.MODEL), made_of
    elif tables.CURRENT.path.is_file() and paths.PROPENSITY.is_dir():
        current, model, files = tables.CURRENT.read(), written.read_model(), Path()
    else:
        return None
    is_it = str(current["as_of"].iloc[0].date()) == manifest["as_of"]
    if not is_it or model.model_version != manifest["model_version"]:
        return None
    params = Params.parse(read_yaml(files / paths.PARAMS), file=str(files / paths.PARAMS))
    return Known(current, levelled(model, current, params), params, Catalog.load(files / paths.CATALOG))


def persuaded(listed: Mapping[Any, Any], of: Known, made_of: Path | None) -> list[dict[str, Any]] | None:
    """What moves the uplift of the list's offer most; None where no response was learnt or nothing is offered.

    made_of: the folder of what the list was made of; None: the lake, which `of` says is what made it.
    """
    if made_of is not None and made_of.is_dir():
        response = written.read_response(made_of / sealed.RESPONSE)
        lately = Table(made_of / "lately.parquet", tables.LATELY.key).read()
    else:
        response, lately = written.read_response(), tables.LATELY.read()
    found = persuasion(pd.DataFrame([dict(listed)]), of, response, lately, told)
    return found.get(str(listed["account_id"]))
