"""Writing a company: the same bytes, the whole folder or nothing."""

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from data.catalog import Catalog
from data.contract import RAW_TABLES
from data.errors import BadInput
from pipelines.simulate import world_of, write_company

WORLD = {"replicates": 2, "year_replicates": 1}


def write(catalog: Catalog, out: Path, accounts: int = 20) -> dict[str, bytes]:
    world = world_of("midmarket", dict(WORLD))
    write_company(catalog, world, accounts=accounts, months=6, seed=7, ends_on=date(2026, 6, 1), out=out)
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_the_same_bytes_twice_and_nothing_else_beside(catalog: Catalog, tmp_path: Path) -> None:
    first, again = write(catalog, tmp_path / "a"), write(catalog, tmp_path / "b")
    assert first == again
    assert write(catalog, tmp_path / "a") == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    expected = {f"{name}.parquet" for name in RAW_TABLES} | {"catalog.yaml"}
    assert set(first) == expected | {f"truth/{name}.parquet" for name in ("expansion", "response", "causes")}


def test_files_hold_the_contracts_columns_and_types(catalog: Catalog, tmp_path: Path) -> None:
    write(catalog, tmp_path / "a")
    for name, table in RAW_TABLES.items():
        schema = pq.read_schema(tmp_path / "a" / f"{name}.parquet")
        expected = table.arrow_schema()
        assert schema.equals(expected.remove(expected.get_field_index("known_on")))


def test_the_catalogue_comes_along_unchanged(catalog: Catalog, tmp_path: Path) -> None:
    write(catalog, tmp_path / "a")
    assert Catalog.load(tmp_path / "a" / "catalog.yaml") == catalog


def test_no_accounts_leave_a_folder_that_says_so(catalog: Catalog, tmp_path: Path) -> None:
    assert list(write(catalog, tmp_path / "a", accounts=0)) == ["README.md"]
    assert len(write(catalog, tmp_path / "a")) > 10  # and is replaced by a company


def test_a_folder_of_something_else_is_left_alone(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="no simulated company; give another one"):
        write(catalog, tmp_path / "a")
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "thesis.txt"]


def test_nothing_is_left_half_written(catalog: Catalog, tmp_path: Path) -> None:
    world = world_of("midmarket", {"arrivals": {"plan_shares": (1.0,)}})
    with pytest.raises(BadInput, match="plan_shares"):
        write_company(catalog, world, accounts=5, months=6, seed=7, ends_on=date(2026, 6, 1), out=tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("preset", "over", "says"),
    [
        ("moonshot", {}, "simulate.preset is 'moonshot'; it must be one of enterprise, midmarket, noise, plg_freemium"),
        ("midmarket", {"expansion": {"upgrad": 1}}, "expansion.upgrad is not a known key; did you mean upgrade"),
    ],
)
def test_unknown_presets_and_parameters_are_told(preset: str, over: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        world_of(preset, over)
