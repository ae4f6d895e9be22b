"""Unit tests of the mocks: the application in memory, without sockets and processes."""
