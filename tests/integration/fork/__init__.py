"""Tests of the command that makes a service of one's own: what it makes, and that this holds."""
