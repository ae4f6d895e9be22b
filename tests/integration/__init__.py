"""Tests of real processes over real sockets; nothing of ours is patched."""
