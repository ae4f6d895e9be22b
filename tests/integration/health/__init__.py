"""Tests of `messenger.health` in real processes; test names follow the specification."""
