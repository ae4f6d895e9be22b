"""The gate: moves the weight to a new version step by step, and takes it back when that is worse.

It asks the mesh what callers got from each version, and the pods what they answered. After each
look it decides: wait, go on, or abort (`judge.py`; the test behind it is in `betting.py`).
What it has decided is in the cluster alone, as weights and replicas: it can be killed at any
moment, and started again.
"""
