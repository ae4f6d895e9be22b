"""Unit tests of the faults: their grammar, their dice, and what they do to a call."""
