"""The notebooks run on a small company."""

from pathlib import Path

import jupytext
import nbclient
import pytest

SAYS = {"01_the_company": "monthly snapshots", "02_the_model": "base rate", "03_one_account": "in the week of"}
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.py"))


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own machinery, not of the notebooks
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(small))
    notebook = jupytext.read(path)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(small)}}
    )
    client.execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in shown)
    said = " ".join(output.get("text", "") for output in shown)
    assert SAYS[path.stem] in said
