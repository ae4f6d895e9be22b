"""Ways to fill a thread pool: for ever, slowly, or with honest work."""

from starlette.routing import BaseRoute

from messenger.health import Pool


def routes(pool: Pool) -> list[BaseRoute]:
    """Return the routes that fill `pool`."""
    del pool
    return []
