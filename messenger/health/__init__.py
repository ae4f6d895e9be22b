"""Health endpoints that tell the truth, in a folder that can be lifted out whole.

Liveness is not "can we answer HTTP?" but "is the work going on?". The package knows nothing of the
application around it. It needs the standard library, Starlette (routes.py, inflight.py), uvicorn
(server.py) and prometheus-client (metrics.py).

Theory of operation: an application builds one `Health`, adds gates, workers, pools and checks to
it, uses the locks from here, and calls `serve`. The port is bound first and the warm-up runs in
sight of the probes (lifecycle.py, warmup.py). A thread watches the event loop, the locks, the
pools and the workers (watchdog.py and the detectors) and weighs what it sees into one verdict
(verdict.py). Probes read that verdict (probes.py), on the loop or, while that is late, on a thread
(responder.py). On a signal the process drains (departure.py, drain.py, server.py).

README.md says what each probe means and how to lift the folder out.
"""

from .async_lock import AsyncLock
from .checks import Finding, Status
from .health import Health
from .limits import Limits
from .locks import Lock, RLock
from .pool import Pool
from .routes import health_routes
from .server import Server
from .serving import serve
from .waits import deadline
from .warmup import Gate
from .workers import Beat, Worker

__all__ = [
    "AsyncLock",
    "Beat",
    "Finding",
    "Gate",
    "Health",
    "Limits",
    "Lock",
    "Pool",
    "RLock",
    "Server",
    "Status",
    "Worker",
    "deadline",
    "health_routes",
    "serve",
]
