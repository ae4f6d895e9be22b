"""Tests of one unit each: no sockets, no processes, no sleeping."""
