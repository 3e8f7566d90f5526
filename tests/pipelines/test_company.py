"""Another company's workspace: the project's code, the company's own three files, and its data by a link."""

import subprocess
from pathlib import Path

import pytest
import yaml

from data.catalog import Catalog
from data.errors import BadInput
from data.settings import read_yaml
from data.simulate.catalogs import DIFFERENCES, catalog_of
from data.simulate.world import PRESETS
from data.sources import Sources
from pipelines import company
from pipelines.params import Params
from pipelines.preflight import is_simulated

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of a few files, with a company and its data in it."""
    monkeypatch.chdir(tmp_path)
    for room in company.ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(f"# {room}\n")
    (tmp_path / "data" / "lake").mkdir()
    (tmp_path / "data" / "lake" / "big.parquet").write_bytes(b"the default company's")
    for file in company.FILES:
        (tmp_path / file).write_text("stages: {}\n")
    (tmp_path / "params.yaml").write_bytes((PROJECT / "params.yaml").read_bytes())
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "README.md").write_text("what lies here\n")
    own = tmp_path / "examples" / "acme"
    own.mkdir(parents=True)
    (own / "params.yaml").write_text("run: {company: Acme}\ningest: {folder: source}\n")
    (own / "catalog.yaml").write_text("currency: JPY\n")
    (tmp_path / "tables").mkdir()
    return tmp_path


def prepare(project: Path, data: str | None = "tables") -> Path:
    return company.prepare(project, project / "examples" / "acme", project / data if data else None)


def test_the_workspace_is_the_project_under_the_companys_files(project: Path) -> None:
    workspace = prepare(project)
    assert workspace == project / "examples" / "acme" / ".workspace"
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    ours = yaml.safe_load((project / "params.yaml").read_text())
    assert params["run"] == {**ours["run"], "company": "Acme"}
    assert params["tune"] == ours["tune"]
    assert (workspace / "catalog.yaml").read_text() == "currency: JPY\n"
    assert (workspace / "dvc.yaml").read_text() == "stages: {}\n"
    assert (workspace / "models" / "__init__.py").read_text() == "# models\n"
    assert (workspace / "source").resolve() == project / "tables"
    assert not (workspace / "data" / "lake").exists()
    assert [path.name for path in (workspace / "answers").iterdir()] == ["README.md"]  # nobody else's answers


def test_a_second_run_follows_the_project_and_keeps_what_runs_left(project: Path) -> None:
    workspace = prepare(project)
    (workspace / "data" / "lake").mkdir()
    (workspace / "data" / "lake" / "mine.parquet").write_bytes(b"mine")
    (workspace / "dvc.lock").write_text("mine")
    untouched = (workspace / "models" / "__init__.py").stat().st_mtime_ns
    (project / "features" / "new.py").write_text("x = 1\n")
    (project / "decisions" / "__init__.py").unlink()
    prepare(project, data=None)  # the link from before serves
    assert (workspace / "features" / "new.py").is_file()
    assert not (workspace / "decisions" / "__init__.py").exists()
    assert (workspace / "data" / "lake" / "mine.parquet").is_file()
    assert (workspace / "dvc.lock").read_text() == "mine"
    assert (workspace / "models" / "__init__.py").stat().st_mtime_ns == untouched


def test_reports_stand_beside_the_companys_files(project: Path) -> None:
    own = project / "examples" / "acme"
    (prepare(project) / "reports" / "weekly").mkdir(parents=True)
    company.show_reports(own)
    company.show_reports(own)
    assert (own / "reports" / "weekly").is_dir()
    (own / "reports").unlink()
    (own / "reports").mkdir()
    with pytest.raises(BadInput, match="a link belongs here"):
        company.show_reports(own)


def test_what_is_wrong_is_told_before_anything_is_written(project: Path) -> None:
    own = project / "examples" / "acme"
    with pytest.raises(BadInput, match="where are its tables"):
        prepare(project, data=None)
    with pytest.raises(BadInput, match=r"nowhere: there is no such folder; DATA is the one"):
        prepare(project, data="nowhere")
    with pytest.raises(BadInput, match=r"COMPANY is one with params.yaml"):
        company.prepare(project, project / "examples" / "nobody", None)
    (own / "params.yaml").write_text("ingest: {folder: source}\nrun: {companny: Acme}\n")
    with pytest.raises(BadInput, match=r"acme/params.yaml: run.companny is not a known key; did you mean company\?"):
        prepare(project)
    (own / "params.yaml").write_text("run: {company: Acme}\n")
    with pytest.raises(BadInput, match="so the data given would not be read"):
        prepare(project)
    assert not (own / ".workspace").exists()


PRESET_FOLDERS = sorted(path.parent for path in PROJECT.glob("examples/presets/*/params.yaml"))


def test_every_preset_has_a_company_that_is_ready() -> None:
    assert [folder.name for folder in PRESET_FOLDERS] == sorted(PRESETS)
    for own in PRESET_FOLDERS:
        params = company.merged(read_yaml(PROJECT / "params.yaml"), read_yaml(own / "params.yaml"))
        parsed = Params.parse(params, file=own.name)
        assert parsed.simulate.preset == own.name
        assert parsed.simulate.accounts >= 1000
        assert is_simulated(parsed, Sources())
        assert parsed.run.company not in ("", read_yaml(PROJECT / "params.yaml")["run"]["company"])


@pytest.mark.parametrize("own", PRESET_FOLDERS, ids=lambda own: str(own.name))
def test_a_presets_workspace_sells_what_the_preset_sells(own: Path, project: Path) -> None:
    """The very catalogue that `upsell simulate --preset` writes beside such a company's tables."""
    (project / "catalog.yaml").write_bytes((PROJECT / "catalog.yaml").read_bytes())
    there = project / company.PRESETS / own.name
    there.mkdir(parents=True)
    (there / "params.yaml").write_bytes((own / "params.yaml").read_bytes())
    workspace = company.prepare(project, there, None)
    theirs = Catalog.load(PROJECT / "catalog.yaml")
    assert Catalog.load(workspace / "catalog.yaml") == catalog_of(own.name, theirs)
    assert (Catalog.load(workspace / "catalog.yaml") != theirs) == (own.name in DIFFERENCES)
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    assert params["simulate"]["preset"] == own.name
    written = (workspace / "catalog.yaml").stat().st_mtime_ns
    company.prepare(project, there, None)
    assert (workspace / "catalog.yaml").stat().st_mtime_ns == written  # running again does only what changed


def test_a_company_that_is_not_simulated_keeps_the_projects_catalogue(project: Path) -> None:
    own = project / "examples" / "acme"
    (own / "catalog.yaml").unlink()
    (own / "params.yaml").write_text("ingest: {folder: source}\nsimulate: {accounts: 0, preset: enterprise}\n")
    assert (prepare(project) / "catalog.yaml").read_text() == "stages: {}\n"


def test_an_unknown_preset_is_told_with_those_there_are(project: Path) -> None:
    (project / company.PRESETS / "noise").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"moonshot: there is no such preset; PRESET is one of noise\."):
        company.prepare(project, company.PRESETS / "moonshot", None)


def test_make_run_takes_a_preset() -> None:
    make = ["make", "--dry-run", "--no-print-directory", "run"]
    for given, expected in (
        (["PRESET=enterprise"], 'pipelines.company "examples/presets/enterprise"'),
        (["COMPANY=examples/ravenstack", "DATA=there"], 'pipelines.company "examples/ravenstack" --data "there"'),
    ):
        told = subprocess.run([*make, *given], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
        assert expected in told


def test_the_examples_of_the_project_are_well_formed() -> None:
    for own in sorted(path.parent for path in PROJECT.glob("examples/*/params.yaml")):
        params = company.merged(read_yaml(PROJECT / "params.yaml"), read_yaml(own / "params.yaml"))
        assert Params.parse(params, file=own.name).ingest.folder == company.SOURCE
        Catalog.load(own / "catalog.yaml")
        Sources.load(own / "sources.yaml")
