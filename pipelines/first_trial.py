"""`python -m pipelines.first_trial`: prints the champion's parameters as the line `first:` of params.yaml (tune)."""

from models.boosting import Space
from pipelines import stage, tracking
from pipelines.params import Params


def main() -> None:
    """Print the line. Raises BadInput where there is no champion."""
    found = tracking.champion(Params.load().registry).model.facts["parameters"]
    searched = Space.of(n_rows=1, n_rare=1).ranges
    said = ", ".join(f"{name}: {found[name]:.6g}" for name in searched if name in found)
    print(f"  first: {{{said}}}")


if __name__ == "__main__":
    stage.run(main)
