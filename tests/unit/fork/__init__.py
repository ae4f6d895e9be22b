"""Tests of the command that makes a service of one's own: what it decides about names and texts."""
