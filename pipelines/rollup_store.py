"""Where the roll-up is kept: its state, and a copy to work on that takes its place whole or not at all.

Files are hard links, shared with the runs that read them: none is ever written into, another takes its place.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from data.weeks import Week

STATE = "state.json"
ABANDONED_S = 24 * 3600  # a working copy that is older was left by a run that was killed


@dataclass
class State:
    """What `state.json` says."""

    settings: dict[str, dict[str, str]] = field(default_factory=dict)  # by table: what its verdicts hang on
    found: dict[str, dict[str, Week]] = field(default_factory=dict)
    staged: dict[str, str] = field(default_factory=dict)  # sha256 by <table>/<week>.parquet
    files: dict[str, list[int]] = field(default_factory=dict)  # of every file: its size, and when it was written
    read_to: dict[str, str] = field(default_factory=dict)  # by table: the day up to which the last run had it all
    first_uses_before: str | None = None  # the first week that `first_uses.parquet` does not hold

    @classmethod
    def read(cls, folder: Path) -> "State | None":
        """The state of a folder; None where there is none, or its files are not those that it names."""
        if not (folder / STATE).is_file():
            return None
        try:
            found = json.loads((folder / STATE).read_text(encoding="utf-8"))
            parts = found.pop("found")
            weeks_of = {table: {w: Week.of_json(one) for w, one in of.items()} for table, of in parts.items()}
            state = cls(**found, found=weeks_of)
        except (ValueError, KeyError, TypeError):  # of other code, or written into
            return None
        return state if state.files == _files(folder) else None

    def write(self, folder: Path) -> None:
        """Written last: a folder without it counts for nothing."""
        self.files = _files(folder)
        text = json.dumps(asdict(self), indent=1) + "\n"
        put(folder / STATE, lambda file: file.write_text(text, encoding="utf-8"))


def _files(folder: Path) -> dict[str, list[int]]:
    """Size and time of writing: other places link to these files, and one that was written into there shows by that."""
    found = {str(path.relative_to(folder)): path.stat() for path in folder.rglob("*.parquet")}
    return {path: [told.st_size, told.st_mtime_ns] for path, told in sorted(found.items())}


@contextmanager
def working_copy(folder: Path) -> Iterator[Path]:
    """A copy of the folder that takes its place if all goes well, and vanishes otherwise."""
    folder = folder.absolute()  # DuckDB looks for relative paths where the sources lie
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{folder.name}-*.partial"):
        if time.time() - left.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", suffix=".partial", dir=folder.parent))
    copy = made / "new"
    try:
        _copied(folder, copy)
        yield copy
        while True:
            try:
                copy.rename(folder)
                break
            except OSError:  # the old one is there, or that of another run
                if not folder.is_dir():
                    raise
                with _passed_over(FileNotFoundError):  # the other run has just taken it away
                    folder.rename(Path(tempfile.mkdtemp(dir=made)) / "old")
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _passed_over(error: type[OSError]) -> Iterator[None]:
    try:
        yield
    except error:
        return


def _copied(folder: Path, copy: Path) -> None:
    """A copy by hard links; where another run takes the folder away meanwhile, of the one that it puts there."""
    while True:
        try:
            shutil.rmtree(copy, ignore_errors=True)
            copy.mkdir()
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    (copy / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
                    link(path, copy / path.relative_to(folder))
            return
        except FileNotFoundError:
            continue


def link(file: Path, place: Path) -> None:
    """The same file in another place, without its bytes where the disk can do that."""
    try:
        os.link(file, place)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or one that knows no links
        shutil.copy2(file, place)


def link_all(folder: Path, place: Path, is_asked: Callable[[str], bool]) -> None:
    """The tables of a folder, of each only the weeks that are asked for."""
    for table in sorted(path for path in folder.iterdir() if path.is_dir()):
        (place / table.name).mkdir()
        for file in sorted(table.glob("*.parquet")):
            if is_asked(file.stem):
                link(file, place / table.name / file.name)


def put(file: Path, write: Callable[[Path], object]) -> None:
    """A new file in the place of an old one, which other places may link to: it must not be written into."""
    beside = file.with_suffix(".new")
    write(beside)
    beside.replace(file)
