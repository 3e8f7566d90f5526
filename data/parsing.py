"""From a value as a source gives it to the contract's type, as DuckDB expressions; null where it cannot be read so.

CSV gives text, databases and Parquet give types of their own: a date may come as text, as a timestamp, with a zone.
What the contract says of CSV holds for all text: ISO dates and timestamps (naive ones are UTC), `true` and `false`.
"""

from data.contract import Type

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_BROKEN = ("FLOAT", "DOUBLE")
_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
_CLOCK = r"[T ]\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?"
_NUMBER = r"[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d+)?"

MEANING: dict[Type, str] = {
    "string": "a text",
    "date": "a date (YYYY-MM-DD)",
    "timestamp": "a timestamp (YYYY-MM-DD HH:MM:SS)",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
}


def name(column: str) -> str:
    """A column or table as SQL names it, whatever it holds.

    >>> name('Kunden "Nr"')
    '"Kunden ""Nr\"""'
    """
    return '"' + column.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A value as SQL writes it.

    >>> literal("l'été"), literal(True), literal(None)
    ("'l''été'", 'true', 'NULL')
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def told(expression: str, source_type: str) -> str:
    """The value as text, as a person would write it; null where there is nothing (also blank text, also not-a-number).

    >>> import duckdb
    >>> duckdb.execute(f"select {told('12.0::DOUBLE', 'DOUBLE')}, {told(literal('  '), 'VARCHAR')}").fetchone()
    ('12', None)
    """
    if source_type in _BROKEN:  # a whole number that passed through a table with gaps comes as 12.0
        whole = f"{expression} = trunc({expression}) AND abs({expression}) < 9e15"
        text = f"CASE WHEN {whole} THEN ({expression})::BIGINT::VARCHAR ELSE ({expression})::VARCHAR END"
        return f"CASE WHEN NOT isnan({expression}) THEN {text} END"
    if source_type.startswith("TIMESTAMP") or source_type == "DATE":
        return f"({expression})::VARCHAR"
    return f"CASE WHEN trim(({expression})::VARCHAR) <> '' THEN ({expression})::VARCHAR END"


def parsed(expression: str, source_type: str, into: Type) -> str:
    """The value as the contract's type; null where it is none of that type (or was null).

    A timestamp where a date belongs becomes its UTC day. Numbers are finite; whole ones may be written `3.0`.

    >>> import duckdb
    >>> def read(value, source_type, into):
    ...     return duckdb.execute(f"select {parsed(f'{value}::{source_type}', source_type, into)}").fetchone()[0]
    >>> read("'2024-03-01T00:30:00+02:00'", "VARCHAR", "timestamp")
    datetime.datetime(2024, 2, 29, 22, 30)
    >>> read("'2024-02-30'", "VARCHAR", "date")
    >>> read("'TRUE'", "VARCHAR", "bool"), read("3.5", "DOUBLE", "int"), read("'3.0'", "VARCHAR", "int")
    (True, None, 3)
    """
    if into == "string":
        return told(expression, source_type)
    if into in ("date", "timestamp"):
        return _moment(expression, source_type, into)
    if into == "bool":
        return _truth(expression, source_type)
    number = _number(expression, source_type)
    if into == "float" or source_type in _WHOLE:
        return number if into == "float" else f"TRY_CAST({expression} AS BIGINT)"
    whole = f"{number} = trunc({number}) AND abs({number}) < 9e15"
    return f"CASE WHEN {whole} THEN ({number})::BIGINT END"


def _moment(expression: str, source_type: str, into: Type) -> str:
    target = "DATE" if into == "date" else "TIMESTAMP"
    if source_type == "DATE":
        return f"CASE WHEN isfinite({expression}) THEN ({expression})::{target} END"
    if source_type in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"):
        zoned = f"({expression})::TIMESTAMPTZ"  # to UTC through microseconds: a plain cast uses the session's zone
        return f"CASE WHEN isfinite({zoned}) THEN make_timestamp(epoch_us({zoned}))::{target} END"
    if source_type.startswith("TIMESTAMP"):
        moment = f"({expression})::TIMESTAMP"
        return f"CASE WHEN isfinite({moment}) THEN {moment}::{target} END"
    # a space before the zone is how many languages print it; DuckDB's cast wants none there
    text = rf"regexp_replace(trim(({expression})::VARCHAR), ' (Z|[+-][0-9:]+)$', '\1')"
    moment = f"make_timestamp(epoch_us(TRY_CAST(concat({text}, {_zone(text)}) AS TIMESTAMPTZ)))"
    moment = f"CASE WHEN regexp_full_match({text}, {literal(_DAY + _CLOCK)}) THEN {moment} END"
    day = f"CASE WHEN regexp_full_match({text}, {literal(_DAY)}) THEN TRY_CAST({text} AS DATE) END"
    return f"coalesce({day}, ({moment})::DATE)" if into == "date" else f"coalesce(({day})::TIMESTAMP, {moment})"


def _zone(text: str) -> str:
    """`Z` for a timestamp that names no zone, so that the session's zone plays no part."""
    return f"CASE WHEN regexp_matches({text}, '(Z|[+-][0-9:]+)$') AND length({text}) > 10 THEN '' ELSE 'Z' END"


def _number(expression: str, source_type: str) -> str:
    if source_type in _BROKEN:
        return f"CASE WHEN isfinite({expression}) THEN ({expression})::DOUBLE END"
    if source_type in _WHOLE or source_type.startswith("DECIMAL"):
        return f"({expression})::DOUBLE"
    text = f"trim(({expression})::VARCHAR)"
    number = f"TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN regexp_full_match({text}, {literal(_NUMBER)}) AND isfinite({number}) THEN {number} END"


def _truth(expression: str, source_type: str) -> str:
    if source_type == "BOOLEAN":
        return expression
    text = f"lower(trim({told(expression, source_type)}))"
    return f"CASE WHEN {text} IN ('true', '1') THEN true WHEN {text} IN ('false', '0') THEN false END"
