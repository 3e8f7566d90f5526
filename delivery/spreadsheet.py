"""The list as CSV, whose text a spreadsheet shows as text even where it looks like a formula."""

import pandas as pd

from delivery.outputs import RANKED_ACCOUNTS, STRING, STRINGS

# What Excel, LibreOffice and Google Sheets may read as the start of a formula; the wide forms are those of East Asian
# keyboards, which Excel turns into the narrow ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """`text` with an apostrophe before it where a spreadsheet could take it for a formula.

    >>> harmless('=HYPERLINK("http://x")'), harmless("Acme +1")
    ('\\'=HYPERLINK("http://x")', 'Acme +1')
    """
    return "'" + text if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def to_csv(ranked: pd.DataFrame) -> str:
    """`ranked_accounts` as CSV, one row per active account: ISO dates, empty for null, triggers joined by spaces.

    Only columns of text are made harmless: a negative number stays a number. Whoever needs a text exactly as it was
    reads the Parquet file.
    """
    ordered = ranked.sort_values("rank")
    cells: dict[str, pd.Series] = {}
    for column in RANKED_ACCOUNTS.columns:
        values = ordered[column.name]
        if column.type == STRINGS:
            values = values.map(lambda ids: "" if pd.api.types.is_scalar(ids) else " ".join(ids))
        if column.type in (STRING, STRINGS):
            values = values.map(lambda text: harmless(text) if isinstance(text, str) else None)
        elif column.name == "as_of" or column.name.endswith("_on"):
            values = pd.to_datetime(values).dt.strftime("%Y-%m-%d")
        elif column.name in ("rank", "stars", "movement_ranks"):
            values = pd.to_numeric(values).astype("Int64")
        cells[column.name] = values
    return pd.DataFrame(cells).to_csv(index=False, lineterminator="\n")
