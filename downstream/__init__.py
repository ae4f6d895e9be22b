"""The twelve downstream services that Messenger needs, played by one small process.

A call finds its service by the path (`/accounts/v1/entries`) or by the Host header
(`accounts:8080/v1/entries`), so that one process can stand in for any or all of them:

1. `people` invents who there is; the same number gives the same people.
2. `entries` serves them in pages: the five services that Messenger keeps snapshots of.
3. `replies` answers for the six services that remember nothing.
4. `delivery` hands messages over once per key; `ledger` remembers them in SQLite.
5. `app` puts the faults of `messenger.faults` in front of each service, and dispatches to it.
6. `control` changes the faults at run time and tells what the services have seen.
"""
