"""Tests of what the benchmarks draw and count."""
