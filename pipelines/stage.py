"""How a stage ends: quietly, or with one sentence on standard error and exit code 2."""

import sys
from collections.abc import Callable

from data.errors import BadInput


def run(main: Callable[[], None]) -> None:
    """Run a stage's `main`; bad input is told as a sentence, not as a traceback."""
    try:
        main()
    except BadInput as error:
        print(error, file=sys.stderr)
        sys.exit(2)
