"""What a list is made of, in one folder, and the list made of it: for `upsell weekly`, and again for `upsell replay`.

The folder holds the inputs of scoring and deciding as they were: features, fired triggers, intervals until a limit,
what accounts and their peers took, life events, what happened with them before, past proposals, last week's list and
reasons as far as they are compared with, the model, the response to offers, parameters, catalogue, thresholds, and what
is known of the model and of the data. Nothing else is read, so the same folder gives the same bytes as long as the code
does.
"""

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.catalog import Catalog
from data.settings import read_yaml
from delivery.capacity import worth_of_more
from delivery.history import Past
from models.propensity import Propensity
from pipelines import history, paths, tracking, written
from pipelines.decide import PROPOSALS, decided, has_signal
from pipelines.deliver import delivered, described, known_life_events, summary_of
from pipelines.params import Params
from pipelines.score import levelled, scored
from pipelines.tables import CURRENT, LATELY, LIMITS, PEERS, TRIGGERS, Table

FOLDER = "sealed"
MODEL, RESPONSE = "model", "response"
FACTS, METRICS, VALIDATION = "facts.json", "metrics.json", "validation.json"
PREVIOUS, REASONS, EVENTS = "previous.parquet", "previous_reasons.parquet", "life_events.parquet"
HISTORY, LINES = "history.parquet", "history_lines.parquet"
TABLES = {"current": CURRENT, "triggers": TRIGGERS, "limits": LIMITS, "lately": LATELY, "peers": PEERS}
OTHERS = (PREVIOUS, REASONS, EVENTS, HISTORY, LINES)
READ = (paths.PARAMS, paths.CATALOG, paths.THRESHOLDS)  # files that are kept as they are, and hashed in the manifest
MANIFEST = "manifest.json"


def gather(
    folder: Path,
    *,
    as_of: date,
    model: Propensity,
    rows: Mapping[str, pd.DataFrame],
    staged: Mapping[str, str],
    validation: Mapping[str, Any],
    others: Mapping[str, pd.DataFrame | None],
    past: Past,
    proposals: Path,
) -> None:
    """Put what the week's list is to be made of into a folder.

    rows: by the names of TABLES; staged: the hashes of the staged tables, by their names; others: PREVIOUS (the last
    list), REASONS (its reasons) and EVENTS, None where there is none.
    """
    folder.mkdir(parents=True)
    for name, table in TABLES.items():
        Table(folder / f"{name}.parquet", table.key).write(rows[name])
    written.model(model.to_files(), folder / MODEL)
    written.as_json(folder / VALIDATION, validation)
    written.as_json(folder / FACTS, {"as_of": str(as_of), "staged_sha256": dict(staged)})
    for name, frame in {**others, HISTORY: past.events, LINES: past.lines}.items():
        if frame is not None:
            pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / name, compression="zstd")
    _copied(folder, proposals)


def gather_newest_run(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """The same of the list that `dvc repro` left, from the lake; False where the lake is no longer what made it."""
    wanted = manifest["inputs_sha256"]
    staged = {path.name: tracking.sha256(path) for path in sorted(paths.STAGED.glob("*.parquet"))}
    read = {path.name: tracking.sha256(path) for path in READ if path.is_file()}
    if {**{f"staged/{name}": digest for name, digest in staged.items()}, **read} != wanted:
        return False
    needed = [*(table.path for table in TABLES.values()), paths.METRICS, paths.VALIDATION, paths.RESPONSE]
    if not all(path.exists() for path in needed) or not paths.PROPENSITY.is_dir():
        return False
    model, day = written.read_model(), date.fromisoformat(manifest["as_of"])
    if model.model_version != manifest["model_version"]:
        return False
    rows = {name: table.read() for name, table in TABLES.items()}
    gather(
        folder,
        as_of=day,
        model=model,
        rows=rows,
        staged=staged,
        validation=written.read_json(paths.VALIDATION),
        others={EVENTS: known_life_events(day)},
        past=history.past(rows["current"], Catalog.load(paths.CATALOG), day),
        proposals=paths.STAGED / PROPOSALS,
    )
    return True


def _copied(folder: Path, proposals: Path) -> None:
    """What is kept as it lies there."""
    for path in (*READ, paths.METRICS):
        shutil.copyfile(path, folder / path.name)
    shutil.copytree(paths.RESPONSE, folder / RESPONSE)
    if proposals.is_file():
        shutil.copyfile(proposals, folder / PROPOSALS)


def rebuilt(folder: Path) -> dict[str, bytes]:
    """Every file of the list by its name, the manifest last, from what `gather` put there."""
    facts = written.read_json(folder / FACTS)
    given = Params.parse(read_yaml(folder / paths.PARAMS), file=str(folder / paths.PARAMS))
    params = given.model_copy(
        update={"run": given.run.model_copy(update={"as_of": date.fromisoformat(facts["as_of"])})}
    )
    catalog = Catalog.load(folder / paths.CATALOG)
    model, metrics = written.read_model(folder / MODEL), written.read_json(folder / METRICS)
    rows = {name: Table(folder / f"{name}.parquet", table.key).read() for name, table in TABLES.items()}
    others = {name: pd.read_parquet(folder / name) for name in OTHERS if (folder / name).is_file()}
    response = written.read_response(folder / RESPONSE)
    scores, contributions, reading = levelled(params, model, *scored(model, rows["current"]))
    offered, decisions, worth = decided(
        params,
        catalog,
        rows["current"],
        scores,
        base_rate=float(model.facts["rate_train"]),
        has_signal=has_signal(metrics, model.model_version),
        lately=rows["lately"],
        proposals=folder / PROPOSALS,
        response=response,
        previous=others.get(PREVIOUS),
    )
    files = delivered(
        params,
        catalog,
        model,
        current=rows["current"],
        contributions=contributions,
        offered=offered,
        decisions=decisions,
        fired=rows["triggers"],
        limits=rows["limits"],
        summary=summary_of(
            params,
            model,
            metrics,
            written.read_json(folder / VALIDATION),
            reading,
            worth_of_more(worth, catalog.currency),
        ),
        took=rows["peers"],
        life_events=others.get(EVENTS),
        response=response,
        lately=rows["lately"],
        past=Past(others[HISTORY], others[LINES]) if HISTORY in others and LINES in others else None,
        previous=others.get(REASONS),
    )
    read = {path.name: (folder / path.name).read_bytes() for path in READ}
    return {**files, MANIFEST: described(params, model, files, decisions, facts["staged_sha256"], read)}
