"""What a person is told when something they gave us is wrong."""


class BadInput(Exception):
    """One sentence that says what is wrong, where, and what to do; the command line prints it and exits 2.

    >>> raise BadInput("params.yaml: label.horizon_days is -3; it must be at least 1 day.")
    Traceback (most recent call last):
    data.errors.BadInput: params.yaml: label.horizon_days is -3; it must be at least 1 day.
    """
