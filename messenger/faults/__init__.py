"""Faults on demand: what can go wrong with a call, in one grammar for Messenger and its mocks.

    error:15%           503 for 15 % of calls      error=500:15%       another status
    latency:200ms       every call                 latency:200ms@10%   10 % of calls
    latency:lognormal(50ms,p99=400ms)              median and 99th percentile
    hang:5%             no answer until the client leaves
    reset:2%            connection closed
    slow-body:1s        first byte at once, rest late
    garbage:5%          a body that is not what was asked for
    fail-next:3         the next three calls fail (deterministic; for tests)

A list is joined by commas. Each fault has dice of its own and rolls on every call, so that its rate
holds whatever stands beside it: delays add up, and of several faults that would spoil one answer
the one written first does. The same seed gives the same faults.

`grammar` reads the text, `dice` draws what happens to the next call, `middleware` makes it happen.
Faults of the process itself (a deadlock, a stall) are read here too and carried out elsewhere.
"""

from messenger.faults.dice import Dice, Effect, Faults
from messenger.faults.grammar import Fault, FaultSyntaxError, parse, parse_by_service
from messenger.faults.middleware import BUSINESS_PREFIX, FaultMiddleware
from messenger.faults.process import ProcessFault, parse_process, split

__all__ = [
    "BUSINESS_PREFIX",
    "Dice",
    "Effect",
    "Fault",
    "FaultMiddleware",
    "FaultSyntaxError",
    "Faults",
    "ProcessFault",
    "parse",
    "parse_by_service",
    "parse_process",
    "split",
]
