"""Benchmarks: every figure with its control, measured in one run.

`uv run python -m tests.bench` runs all, `... health` one group. Machines are shared and noisy, so
only ratios count: control and subject take turns, what is quoted is the median with its range, and
speed is measured per second of the server's own CPU, which a slow client cannot spoil.
"""
