"""A ledger is whole or says what is not: one byte, one file, one delivery, one chain written anew."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import BadInput
from pipelines import entries, ledger, seals
from pipelines.cli import cli
from pipelines.entries import FILE
from pipelines.seals import HEAD, SEAL
from pipelines.verified import verified

WEEKS = [date(2026, 5, 18), date(2026, 5, 25), date(2026, 6, 1)]
LEDGER = Path("ledger")


def files(week: date, text: str = "") -> dict[str, bytes]:
    return {
        "ranked_accounts.csv": f"rank,account_id\n1,{week}{text}\n".encode(),
        "run.json": b"{}",
        "manifest.json": f'{{"as_of": "{week}"}}\n'.encode(),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three weeks, the second of them delivered twice, the last with other words."""
    place = tmp_path_factory.mktemp("sealed")
    inputs = place / "inputs"
    (inputs / "model").mkdir(parents=True)
    (inputs / "params.yaml").write_text("run: {}\n")
    (inputs / "model/model.json").write_text("{}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for week in WEEKS:
            ledger.keep(files(week), week, inputs)
            ledger.record("feedback", seals.Entry(LEDGER / str(week)), {"account_id": "a-1", "who": "日本 & Söhne"})
        ledger.keep(files(WEEKS[1], " again"), WEEKS[1], inputs)
        yield place / "ledger"


@pytest.fixture
def copy(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "ledger")
    monkeypatch.chdir(tmp_path)
    return LEDGER


def every(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file() and path.name != ".lock")


def test_what_was_written_is_whole(copy: Path) -> None:
    assert seals.verify(copy) == []
    assert [entry.folder.name for entry in seals.entries(copy)] == [
        "2026-05-18", "2026-05-25", "2026-05-25.1", "2026-06-01",
    ]  # fmt: skip
    last = seals.newest(copy)
    assert last is not None
    assert (last.folder.name, last.number) == ("2026-05-25", 4)
    assert (copy / "2026-05-25.1/ranked_accounts.csv").read_bytes() == files(WEEKS[1])["ranked_accounts.csv"]
    told = CliRunner().invoke(cli, ["verify"], catch_exceptions=False)
    assert told.output.startswith(
        f"ledger is whole: 4 deliveries, each as it was sealed. The newest seal is {last.seal}."
    )
    standard = subprocess.run(["sha256sum", "-c", "--quiet", HEAD], cwd=copy, check=False)
    assert standard.returncode == 0


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_byte_anywhere_is_found_and_named(made: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(every(made)))
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    after = bytearray(before)
    after[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(after))
    try:
        problems = seals.verify(made)
    finally:
        path.write_bytes(before)
    assert any(str(path.relative_to(made)) in problem for problem in problems), problems
    if path.name not in (SEAL, HEAD, FILE):
        assert problems == [f"{path.relative_to(made)} was altered."]


def test_every_byte_of_a_seal_is_found_and_named(made: Path) -> None:
    """Each of them, since a key of another name is the hardest to read past."""
    for path in (path for path in every(made) if path.name == SEAL):
        before = path.read_bytes()
        for place in range(len(before)):
            for mask in (1, 6):
                after = bytearray(before)
                after[place] ^= mask
                path.write_bytes(bytes(after))
                try:
                    problems = seals.verify(made)
                finally:
                    path.write_bytes(before)
                assert any(str(path.relative_to(made)) in problem for problem in problems), (place, mask, problems)


def test_every_file_that_is_gone_is_named(copy: Path) -> None:
    for path in every(copy):
        content = path.read_bytes()
        path.unlink()
        assert any(str(path.relative_to(copy)) in problem for problem in seals.verify(copy)), path
        path.write_bytes(content)
    assert seals.verify(copy) == []


@pytest.mark.parametrize("place", ["2026-06-01/more.csv", "2026-05-18/sealed/model/booster_0.txt", "notes.txt"])
def test_a_file_that_was_added_is_named(copy: Path, place: str) -> None:
    (copy / place).write_text("x")
    (problem,) = seals.verify(copy)
    assert problem.startswith(f"{place} ")
    assert "added" in problem


def test_a_delivery_that_is_gone_is_named(copy: Path) -> None:
    shutil.rmtree(copy / "2026-06-01")
    (problem,) = seals.verify(copy)
    assert problem == (
        "Delivery 3, which 2026-05-25/seal.json followed, is not there: it was removed, or its seal was altered. "
        "What is there before it is 2026-05-25.1/seal.json."
    )


def test_the_newest_delivery_that_is_gone_is_named(copy: Path) -> None:
    shutil.rmtree(copy / "2026-05-25")
    (copy / "2026-05-25.1").rename(copy / "2026-05-25")
    (problem,) = seals.verify(copy)
    assert "HEAD names the seal of 2026-05-25/seal.json" in problem
    assert "the newest entry was removed" in problem


def test_a_folder_by_another_name_is_named(copy: Path) -> None:
    (copy / "2026-06-01").rename(copy / "2026-06-08")
    assert "2026-06-08 was renamed: its seal is of 2026-06-01." in seals.verify(copy)


def test_deliveries_that_changed_places_are_named(copy: Path) -> None:
    (copy / "2026-05-25").rename(copy / "aside")
    (copy / "2026-05-25.1").rename(copy / "2026-05-25")
    (copy / "aside").rename(copy / "2026-05-25.1")
    problems = seals.verify(copy)
    assert "HEAD names 2026-05-25/seal.json, and its seal lies in 2026-05-25.1: HEAD was altered." in problems
    assert any("lie in another order" in problem for problem in problems)


def _back(copy: Path) -> None:
    """The newest delivery taken away, and HEAD moved to the one before it."""
    shutil.rmtree(copy / "2026-05-25")
    (copy / "2026-05-25.1").rename(copy / "2026-05-25")
    ledger._set_head(seals.Entry(copy / "2026-06-01"))


def _anew(copy: Path) -> None:
    """The first list changed, and every seal from there on written anew."""
    (copy / "2026-05-18/ranked_accounts.csv").write_text("rank,account_id\n1,a-friend\n")
    (copy / FILE).unlink()
    last = None
    for name in ("2026-05-18", "2026-05-25.1", "2026-06-01", "2026-05-25"):
        (copy / name / SEAL).unlink()
        last = seals.sealed(copy / name, as_of=name[:10], after=last)
    ledger._set_head(last)


def test_lines_that_were_taken_out_are_named(copy: Path) -> None:
    lines = (copy / FILE).read_bytes().splitlines(keepends=True)
    (copy / FILE).write_bytes(lines[0] + lines[2])
    assert "entries.jsonl: line 2 was altered: it is not as it was written." in seals.verify(copy)
    # and with HEAD written anew
    (copy / FILE).write_bytes(lines[0])
    ledger._set_head(seals.newest(copy))
    assert seals.verify(copy) == [
        "entries.jsonl: line 3 is not the one that the seal of 2026-05-25 holds: it was altered, or taken out.",
        "entries.jsonl: line 2 is not the one that the seal of 2026-06-01 holds: it was altered, or taken out.",
    ]


def test_a_line_that_was_killed_before_head_named_it_is_kept(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    about = seals.Entry(copy / "2026-06-01")
    with monkeypatch.context() as patch:
        patch.setattr(seals, "set_head", killed)
        with pytest.raises(KeyboardInterrupt):
            ledger.record("feedback", about, {"account_id": "a-2"})
    assert len(seals.verify(copy)) == 1
    assert ledger.record("feedback", about, {"account_id": "a-3"})["number"] == 5
    assert seals.verify(copy) == []
    assert [line["account_id"] for line in entries.read(copy)] == ["a-1", "a-1", "a-1", "a-2", "a-3"]


def test_nothing_follows_a_line_that_was_altered(copy: Path) -> None:
    (copy / FILE).write_bytes((copy / FILE).read_bytes().replace(b"a-1", b"a-9", 1))
    with pytest.raises(BadInput, match=r"entries.jsonl is not what HEAD names, so nothing can follow it"):
        ledger.record("feedback", seals.Entry(copy / "2026-06-01"), {"account_id": "a-3"})


@pytest.mark.parametrize("forge", [_back, _anew])
def test_only_a_seal_noted_elsewhere_tells_of_a_chain_that_was_written_anew(copy: Path, forge: object) -> None:
    noted = str(seals.newest(copy).seal)  # type: ignore[union-attr]  # there is one
    assert seals.verify(copy, noted) == []
    forge(copy)  # type: ignore[operator]
    assert seals.verify(copy) == []
    for given_ in (noted, noted[:16]):
        (problem,) = seals.verify(copy, given_)
        assert problem.startswith(f"The seal {given_} is not in the chain")
    told = CliRunner().invoke(cli, ["verify", "--seal", noted])
    assert isinstance(told.exception, BadInput)  # exit 2, by the command's main


def test_a_delivery_beside_the_chain_is_named(copy: Path) -> None:
    shutil.copytree(copy / "2026-05-18", copy / "2026-06-08")
    (copy / "2026-06-08" / SEAL).unlink()
    seals.sealed(copy / "2026-06-08", as_of="2026-06-08", after=seals.newest(copy))
    assert seals.verify(copy) == [
        "2026-06-08/seal.json is not in the chain that ends in HEAD: added or altered, or HEAD was moved back."
    ]


def test_the_same_list_again_is_no_new_delivery(copy: Path) -> None:
    before = {path: path.read_bytes() for path in every(copy)}
    again = {**files(WEEKS[2]), "run.json": b'{"git_commit": "another"}'}
    kept = ledger.keep(again, WEEKS[2], Path(copy) / "2026-06-01/sealed")
    assert (kept.is_new, kept.number) == (False, 3)
    assert {path: path.read_bytes() for path in every(copy)} == before


@pytest.mark.parametrize("killed_in", ["_place", "set_head"])
def test_a_delivery_that_was_killed_at_its_end_is_finished_by_the_next(
    copy: Path, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    inputs = copy / "2026-06-01/sealed"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger if killed_in == "_place" else seals, killed_in, killed)
        with pytest.raises(KeyboardInterrupt):
            ledger.keep(files(WEEKS[2], " other"), WEEKS[2], inputs)
    kept = ledger.keep(files(date(2026, 6, 8)), date(2026, 6, 8), inputs)
    assert kept.number == 6
    assert seals.verify(copy) == []
    assert (copy / "2026-06-01/ranked_accounts.csv").read_bytes() == files(WEEKS[2], " other")["ranked_accounts.csv"]
    assert (copy / "2026-06-01.1/ranked_accounts.csv").read_bytes() == files(WEEKS[2])["ranked_accounts.csv"]


def test_nothing_follows_a_chain_whose_end_was_altered(copy: Path) -> None:
    seal = copy / "2026-05-25" / SEAL
    seal.write_bytes(seal.read_bytes().replace(b'"number": 4', b'"number": 5'))
    with pytest.raises(BadInput, match="names none of the seals there"):
        ledger.keep(files(date(2026, 6, 8)), date(2026, 6, 8), None)
    assert not (copy / "2026-06-08").exists()


def test_bad_questions_are_told(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="a seal is 64 hex digits; give at least its first 12"):
        verified("abc")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(BadInput, match="nothing was delivered yet"):
        verified()
