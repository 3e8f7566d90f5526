"""Another company's workspace: the project's code, the company's own three files, and its data by a link."""

from pathlib import Path

import pytest
import yaml

from data.errors import BadInput
from pipelines import company

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


def test_the_examples_of_the_project_are_well_formed() -> None:
    from data.catalog import Catalog
    from data.settings import read_yaml
    from data.sources import Sources
    from pipelines.params import Params

    for own in sorted(path.parent for path in PROJECT.glob("examples/*/params.yaml")):
        params = company.merged(read_yaml(PROJECT / "params.yaml"), read_yaml(own / "params.yaml"))
        assert Params.parse(params, file=own.name).ingest.folder == company.SOURCE
        Catalog.load(own / "catalog.yaml")
        Sources.load(own / "sources.yaml")
