"""How far a search has come: one line that is rewritten, on a terminal only, and a line per trial in a log.

The log tells seconds, and is therefore no output of a stage: `tail -f data/lake/tune.log`.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from models.tuning import Progress


class Told:
    """Called with each `Progress`."""

    def __init__(self, log: TextIO, terminal: TextIO) -> None:
        self.log = log
        self.terminal = terminal if terminal.isatty() else None
        self.started = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Tell of a trial."""
        self.log.write(f"{time.monotonic() - self.started:8.1f} s  {progress}\n")
        self.log.flush()
        if self.terminal:
            self.terminal.write(f"\r\x1b[K{progress}")
            self.terminal.flush()

    def end(self) -> None:
        """Clear the terminal's line: what follows begins on a clean one."""
        if self.terminal:
            self.terminal.write("\r\x1b[K")
            self.terminal.flush()


@contextmanager
def told(log: Path, *, go_on: bool = False) -> Iterator[Told]:
    """Something to call with each trial's progress; `go_on` adds to the log that is there."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a" if go_on else "w", encoding="utf-8") as file:
        teller = Told(file, sys.stderr)
        try:
            yield teller
        finally:
            teller.end()
