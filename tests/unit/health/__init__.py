"""Tests of `messenger.health`, one file for each of its own."""
