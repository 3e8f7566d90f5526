"""`upsell verify`: is the ledger as it was written?"""

import re

from data.errors import BadInput
from pipelines import paths, seals


def verified(noted: str | None = None) -> str:
    """One sentence where all is whole. Raises BadInput, a sentence for each thing that was altered, otherwise."""
    if not seals.entries(paths.LEDGER):
        raise BadInput(f"{paths.LEDGER}: nothing was delivered yet; `upsell weekly` makes the first entry.")
    if noted is not None and not re.fullmatch(rf"[0-9a-f]{{{seals.LEAST_NOTED},64}}", noted):
        raise BadInput(f"--seal {noted}: a seal is 64 hex digits; give at least its first {seals.LEAST_NOTED}.")
    problems = seals.verify(paths.LEDGER, noted)
    if problems:
        raise BadInput("\n".join(f"{paths.LEDGER}: {problem}" for problem in problems))
    last = seals.newest(paths.LEDGER)
    n = len(seals.entries(paths.LEDGER))
    return (
        f"{paths.LEDGER} is whole: {n} {'delivery' if n == 1 else 'deliveries'}, each as it was sealed. "
        f"The newest seal is {last.seal if last else None}."
        + ("" if noted else " It proves the more, the further away it was noted: `upsell verify --seal`.")
    )
