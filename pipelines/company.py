"""Another company's run: `python -m pipelines.company examples/ravenstack --data FOLDER` (or `make run COMPANY=…`).

The company's folder holds its own params.yaml (only what differs from the project's), catalog.yaml and sources.yaml.
It runs in `.workspace/` inside that folder: the project's code as it stands now, overlaid with those three files, with
a DVC of its own, so that the project's lock file and lake stay as they are. Running again does only what changed.

A company that is simulated may leave out catalog.yaml: it then sells what its preset sells (data/simulate/catalogs.py).
`make run PRESET=enterprise` is `make run COMPANY=examples/presets/enterprise`, one of four that are ready.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from data.catalog import Catalog
from data.errors import BadInput
from data.settings import read_yaml
from data.simulate.catalogs import DIFFERENCES, catalog_of
from pipelines import paths, stage
from pipelines.params import Params

ROOMS = ("data", "features", "models", "decisions", "delivery", "pipelines")
FILES = ("dvc.yaml", "params.yaml", "catalog.yaml", "sources.yaml", ".dvcignore")
SOURCE = "source"  # the link to the data; a company's params.yaml says `ingest: {folder: source}`
PRESETS = Path("examples/presets")  # the simulated companies that PRESET names
_NOT_CODE = {"lake", "__pycache__"}


def main(arguments: list[str] | None = None) -> None:
    """Prepare the workspace, run the pipeline in it, show its reports beside the company's own files."""
    parser = argparse.ArgumentParser(prog="pipelines.company", description=__doc__)
    parser.add_argument("company", type=Path, help="the folder with params.yaml, catalog.yaml and sources.yaml")
    parser.add_argument("--data", type=Path, help="the folder (or DuckDB file) that holds its tables")
    given = parser.parse_args(arguments)
    workspace = prepare(Path.cwd(), given.company, given.data)
    code = reproduce(workspace)
    show_reports(given.company)
    if code:
        sys.exit(code)


def prepare(project: Path, company: Path, data: Path | None) -> Path:
    """Bring the company's workspace up to date with the project and with the company's own files; returns it.

    What earlier runs left there (lake, reports, DVC's cache and lock) stays. Raises BadInput before anything is
    written where the company, its parameters or its data are not as they should be.
    """
    if not (project / "dvc.yaml").is_file():
        raise BadInput(f"{project}: there is no dvc.yaml; run the command from the project's folder.")
    if not company.is_dir():
        if company.parent == PRESETS:
            ready = ", ".join(sorted(folder.name for folder in (project / PRESETS).glob("*")))
            raise BadInput(f"{company.name}: there is no such preset; PRESET is one of {ready}.")
        raise BadInput(
            f"{company}: there is no such folder; COMPANY is one with params.yaml, like examples/ravenstack."
        )
    params = merged(read_yaml(project / "params.yaml"), _own_params(company))
    Params.parse(params, file=str(company / "params.yaml"))
    workspace = company / ".workspace"
    _check_data(company, params["ingest"]["folder"], data, workspace / SOURCE)

    for room in ROOMS:
        _mirror(project / room, workspace / room)
    about = paths.ANSWERS.with_name("README.md")  # git keeps no empty folder, and an experiment is a copy by git
    _write(workspace / about, (project / about).read_bytes())
    for file in FILES:
        own = company / file
        if file == "params.yaml":
            content = yaml.safe_dump(params, sort_keys=False, allow_unicode=True).encode()
        elif file == "catalog.yaml" and not own.is_file():
            content = _catalog(project / file, params)
        else:
            content = (own if own.is_file() else project / file).read_bytes()
        _write(workspace / file, content)
    if data is not None:
        _link(workspace / SOURCE, data.resolve())
    return workspace


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, section by section, at every depth.

    >>> merged({"run": {"seed": 7, "language": "en"}}, {"run": {"language": "ja"}})
    {'run': {'seed': 7, 'language': 'ja'}}
    """
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        result[key] = merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return result


def reproduce(workspace: Path) -> int:
    """Run the pipeline in the workspace, with the workspace's code; returns the exit code.

    Bad input is told before DVC starts, which would delete what it is about to make anew.
    """
    environment = {**os.environ, "PYTHONPATH": str(workspace.resolve()), "DVC_NO_ANALYTICS": "1"}
    preflight = [sys.executable, "-m", "pipelines.preflight"]
    if code := subprocess.run(preflight, cwd=workspace, env=environment, check=False).returncode:  # noqa: S603  our own arguments
        return code
    dvc = [sys.executable, "-m", "dvc"]
    if not (workspace / ".dvc").is_dir():
        subprocess.run([*dvc, "init", "--no-scm", "--quiet"], cwd=workspace, env=environment, check=True)  # noqa: S603  our own arguments
        for setting in ("core.analytics", "core.check_update"):
            subprocess.run([*dvc, "config", setting, "false"], cwd=workspace, env=environment, check=True)  # noqa: S603  likewise
    return subprocess.run([*dvc, "repro"], cwd=workspace, env=environment, check=False).returncode  # noqa: S603  likewise


def show_reports(company: Path) -> None:
    """Let `reports` beside the company's files lead to those of its workspace, where one looks for them first."""
    if (company / ".workspace" / paths.REPORTS).is_dir():
        _link(company / paths.REPORTS, Path(".workspace") / paths.REPORTS)


def _own_params(company: Path) -> dict[str, Any]:
    own = company / "params.yaml"
    return read_yaml(own) if own.is_file() else {}


def _catalog(theirs: Path, params: dict[str, Any]) -> bytes:
    """The project's catalogue; that of the preset where one is simulated that has its own."""
    simulated = params["simulate"]
    if not simulated["accounts"] or simulated["preset"] not in DIFFERENCES:
        return theirs.read_bytes()
    content = catalog_of(simulated["preset"], Catalog.load(theirs)).model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=160).encode()


def _check_data(company: Path, folder: str, data: Path | None, link: Path) -> None:
    if data is not None and not data.exists():
        raise BadInput(f"{data}: there is no such folder; DATA is the one that holds the company's tables.")
    if data is not None and folder != SOURCE:
        raise BadInput(
            f"{company / 'params.yaml'}: ingest.folder is {folder!r}, so the data given would not be read; "
            f"set it to {SOURCE}."
        )
    if data is None and folder == SOURCE and not link.exists():
        raise BadInput(f"{company}: where are its tables? Run `make run COMPANY={company} DATA=folder`.")


def _mirror(theirs: Path, ours: Path) -> None:
    """Make a room's code in the workspace the same as in the project: write what differs, delete what is gone."""
    wanted = _code(theirs)
    for file in _code(ours) - wanted:
        (ours / file).unlink()
    for file in wanted:
        _write(ours / file, (theirs / file).read_bytes())


def _code(room: Path) -> set[Path]:
    """The files of a room, relative to it, without what runs leave there."""
    files = (path.relative_to(room) for path in room.rglob("*") if path.is_file())
    return {file for file in files if not _NOT_CODE.intersection(file.parts)}


def _write(path: Path, content: bytes) -> None:
    """Write what is not there yet; an unchanged file keeps its time, which DVC goes by."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _link(path: Path, target: Path) -> None:
    """A link at `path`; BadInput where something else than a link is there already."""
    if path.exists() and not path.is_symlink():
        raise BadInput(f"{path}: a link belongs here, but something else is in its place; move it away.")
    path.unlink(missing_ok=True)
    path.symlink_to(target)


if __name__ == "__main__":
    stage.run(main)
