"""Before a run: is what people typed and brought as it should be? `python -m pipelines.preflight`; writes nothing.

DVC deletes a stage's outputs before it runs the stage. What a stage would find wrong is therefore told here, before
DVC has begun: a typo then costs a sentence and exit code 2, and last week's list is still there.

Reads   params.yaml, catalog.yaml, sources.yaml; the tables of a company that brings its own
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.catalog import Catalog
from data.contract import RAW_TABLES
from data.errors import BadInput
from data.simulate.world import PRESETS
from data.sources import Sources
from data.validation import stop_unless_good, validate
from decisions import conditions
from features.build import dictionary
from pipelines import paths, stage
from pipelines.label import blocks_of
from pipelines.params import Params
from pipelines.simulate import world_of

REQUIRED = tuple(table.name for table in RAW_TABLES.values() if table.is_required)


def main() -> None:
    """Check all that a run reads. Raises BadInput with every problem found, one a line."""
    params, catalog, sources = _all(
        Params.load, lambda: Catalog.load(paths.CATALOG), lambda: Sources.load(paths.SOURCES)
    )
    _all(
        lambda: check_simulation(params),
        lambda: blocks_of(params),
        lambda: check_features(params, catalog),
        lambda: check_place(params, sources),
    )
    if not is_simulated(params, sources) and (Path(params.ingest.folder).exists() or sources.database):
        folder = Path(params.ingest.folder)
        stop_unless_good(validate(sources, folder=folder, catalog=catalog, limits=params.validate_))


def check_simulation(params: Params) -> None:
    """The preset and its overrides are known, and the simulated company would replace nothing but itself."""
    settings = params.simulate
    if settings.preset not in PRESETS:
        raise BadInput(
            f"params.yaml: simulate.preset is {settings.preset!r}; it must be one of {', '.join(sorted(PRESETS))}."
        )
    world_of(settings.preset, settings.world)
    held = {path.name for path in paths.COMPANY.iterdir()} if paths.COMPANY.is_dir() else set()
    if held and not held & {paths.TRUTH.name, "README.md"}:
        raise BadInput(
            f"{paths.COMPANY}: this folder holds something that is no simulated company, and a run would replace it; "
            "move it elsewhere, and name that place in params.yaml (ingest.folder)."
        )


def check_features(params: Params, catalog: Catalog) -> None:
    """The catalogue's conditions are on features, and can hold."""
    conditions.check(catalog, conditions.kinds(dictionary(catalog, params.health, params.lifecycle)))


def check_place(params: Params, sources: Sources) -> None:
    """There is a place from which the tables come."""
    folder = Path(params.ingest.folder)
    if is_simulated(params, sources):
        return
    if _is_companys(folder):
        if not sources.database and not all(_is_named(sources, table) for table in REQUIRED):
            raise BadInput(
                f"params.yaml: simulate.accounts is 0, and ingest.folder is {folder}, where only a simulated company "
                "would lie; name the folder of your own tables in ingest.folder, or simulate some accounts."
            )
    elif not folder.exists():
        raise BadInput(
            f"params.yaml: ingest.folder is {folder}, and there is no such folder or file; correct it, or make it."
        )


def is_simulated(params: Params, sources: Sources) -> bool:
    """Whether the tables are those that stage `simulate` makes: there is nothing to look at before it has run."""
    return params.simulate.accounts > 0 and _is_companys(Path(params.ingest.folder)) and not sources.database


def _is_companys(folder: Path) -> bool:
    return folder.resolve() == paths.COMPANY.resolve()


def _is_named(sources: Sources, table: str) -> bool:
    source = getattr(sources, table)
    return bool(source.path or source.table or source.sql)


def _all(*checks: Callable[[], Any]) -> tuple[Any, ...]:
    """What each of them returns; BadInput with what any of them finds, after all have been asked."""
    found, problems = [], []
    for check in checks:
        try:
            found.append(check())
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadInput("\n".join(problems))
    return tuple(found)


if __name__ == "__main__":
    stage.run(main)
