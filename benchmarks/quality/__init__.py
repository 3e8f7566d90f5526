"""How good is our propensity beside other people's, on data that nobody here made?

`make bench-quality DATA=folder`: the same saved splits, the same seconds and threads, every system on the columns
as it likes them. `splits` says who learns from which rows, `systems` who competes, `measured` what is counted, `table`
what people read. Each system runs in a process of its own: ours in the project's environment, the others in one with
a lock of its own (`peers.lock`), by path, without importing anything of the project.
"""
