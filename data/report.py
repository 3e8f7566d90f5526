"""What the check of a company's tables found: as a value, as JSON, as Markdown for people.

The same tables give the same bytes: no clock, no place on a disk, rows in one order.
"""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Broken:
    """A rule that rows of a table broke: how many did, and the first of them (column to text)."""

    rule: str
    column: str
    count: int
    first: list[dict[str, str | None]]


@dataclass(frozen=True)
class TableReport:
    """One table: read = kept + copies + quarantined."""

    table: str
    place: str
    read: int
    kept: int
    copies: int
    quarantined: int
    broken: list[Broken]
    first_on: str | None
    last_on: str | None
    extra_columns: list[str] = field(default_factory=list)
    absent_columns: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def quarantined_rate(self) -> float:
        """The share of the rows read that are in quarantine; 0 of an empty table."""
        return self.quarantined / self.read if self.read else 0.0


@dataclass(frozen=True)
class Report:
    """All tables; `missing`: the optional ones that the source does not have, and what is lost with each.

    `problems`: sentences on what makes the run stop; none where the data may be used.
    """

    tables: list[TableReport]
    missing: dict[str, str]
    problems: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether a run may go on with these tables."""
        return not self.problems

    def as_json(self) -> str:
        """The report for machines."""
        content = {
            "is_good": self.is_good,
            "problems": self.problems,
            "tables": {
                table.table: {**asdict(table), "quarantined_rate": round(table.quarantined_rate, 6)}
                for table in self.tables
            },
            "missing": self.missing,
        }
        for one in content["tables"].values():  # type: ignore[attr-defined]
            del one["table"]
        return json.dumps(content, ensure_ascii=False, indent=2) + "\n"

    def as_markdown(self) -> str:
        """The report for people, readable on a terminal as it is."""
        verdict = "The tables keep the contract." if self.is_good else "The tables cannot be used as they are."
        if self.is_good and any(table.quarantined for table in self.tables):
            verdict = "The tables can be used; some rows are in quarantine."
        lines = ["# The data against the contract", "", verdict, ""]
        lines += [f"- **{problem}**" for problem in self.problems] + [""] * bool(self.problems)
        lines += _grid(
            ["table", "read", "kept", "copies", "quarantined", "from", "to", "read from"],
            [
                [
                    table.table,
                    f"{table.read:,}",
                    f"{table.kept:,}",
                    f"{table.copies:,}",
                    f"{table.quarantined:,}" + (f" ({table.quarantined_rate:.1%})" if table.quarantined else ""),
                    table.first_on or "",
                    table.last_on or "",
                    table.place,
                ]
                for table in self.tables
            ],
        )
        for table in self.tables:
            lines += _of_table(table)
        if self.missing:
            lines += ["", "## Tables that are not there", ""]
            lines += [f"- `{table}`, and with it {lost}" for table, lost in self.missing.items()]
        return "\n".join(lines) + "\n"


def _of_table(table: TableReport) -> list[str]:
    """What there is to say of one table; nothing where it is as it should be."""
    lines = []
    for broken in table.broken:
        lines += ["", f"**{broken.rule}**: {broken.count:,} {'row' if broken.count == 1 else 'rows'}, first:", ""]
        lines += ["    " + shown(row) for row in broken.first]
    said = [*table.notices]
    if table.absent_columns:
        said.append(f"Not in the source, read as empty: {', '.join(table.absent_columns)}.")
    if table.extra_columns:
        said.append(f"Not in the contract, ignored: {', '.join(table.extra_columns)}.")
    lines += [""] * bool(said) + [f"- {sentence}" for sentence in said]
    return ["", f"## {table.table}", *lines] if lines else []


def shown(row: dict[str, str | None]) -> str:
    """A row on one line.

    >>> shown({"account_id": "A-1", "nps": "11", "note": None})
    'account_id=A-1 nps=11 note='
    """
    return " ".join(f"{column}={'' if value is None else value}" for column, value in row.items())


def _grid(header: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table whose columns also stand under one another in plain text.

    >>> _grid(["a", "b"], [["x", "10"]])
    ['| a | b  |', '|---|----|', '| x | 10 |']
    """
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(header), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]
