"""Is the next best action worth more than its rivals? In money, by the truth of simulated companies.

`python -m benchmarks.decisions` writes benchmarks/results/decisions.json. The companies (`worlds`) are the simulator's
presets on seeds that nothing was chosen by; what each knows is kept under data/lake/decisions_bench/.
"""
