import io
from pathlib import Path

import pytest

from models.tuning import Progress
from pipelines import progress

FIRST = Progress(trial=0, n_trials=2, state="complete", loss=0.25, best=0.25, base_rate_loss=0.3)
SECOND = Progress(trial=1, n_trials=2, state="pruned", loss=None, best=0.25, base_rate_loss=0.3)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_has_a_line_per_trial_and_a_pipe_stays_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "new" / "tune.log"
    with progress.told(log) as teller:
        teller(FIRST)
        assert len(log.read_text().splitlines()) == 1  # already there for whoever follows it
        teller(SECOND)
    assert [line.split("s  ")[1] for line in log.read_text().splitlines()] == [str(FIRST), str(SECOND)]
    assert "pruned; best 0.25000" in str(SECOND)
    with progress.told(log, go_on=True) as teller:
        teller(SECOND)
    assert len(log.read_text().splitlines()) == 3
    with progress.told(log) as teller:
        pass
    assert log.read_text() == ""
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_one_line_that_is_cleared_at_the_end() -> None:
    terminal = Terminal()
    teller = progress.Told(io.StringIO(), terminal)
    teller(FIRST)
    teller(SECOND)
    teller.end()
    assert "\n" not in terminal.getvalue()
    shown = terminal.getvalue().split("\r\x1b[K")
    assert shown == ["", str(FIRST), str(SECOND), ""]
