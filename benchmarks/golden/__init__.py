"""Golden files whose figures other people's code computed, in an environment of its own."""
