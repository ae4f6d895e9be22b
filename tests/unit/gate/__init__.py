"""Tests of the gate: pure parts with fakes, and whole roll-outs simulated."""
