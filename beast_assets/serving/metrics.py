"""Figures for Prometheus, in a registry of the server's own."""

import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beast_assets import __version__
from beast_assets.core.search import Counters

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Figures:
    """Counts requests, and asks the index for its own figures when it is asked for them.

    Attributes:
        registry: what is exported.
    """

    def __init__(
        self, counters: Callable[[], Counters | None], index: Callable[[], tuple[str, int] | None]
    ) -> None:
        """Begin at zero.

        Args:
            counters: what became of the questions so far; None before the first.
            index: version and number of rows of what is published; None where nothing is.
        """
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "beast_http_requests",
            "Requests, by route and status.",
            ["route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "beast_http_request_seconds",
            "Seconds from a request to the end of its answer, by route.",
            ["route"],
            buckets=_BOUNDS,
            registry=self.registry,
        )
        self._in_flight = Gauge(
            "beast_http_requests_in_flight", "Requests being answered.", registry=self.registry
        )
        self.registry.register(_Index(counters, index))

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)

    def began(self) -> float:
        """A request came; gives the moment."""
        self._in_flight.inc()
        return time.perf_counter()

    def ended(self, route: str, status: int, since: float) -> None:
        """It was answered, or its caller was gone before (499)."""
        self._in_flight.dec()
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(time.perf_counter() - since)


class _Index:
    """What is known elsewhere and only asked for."""

    def __init__(
        self, counters: Callable[[], Counters | None], index: Callable[[], tuple[str, int] | None]
    ) -> None:
        self._counters = counters
        self._index = index

    def describe(self) -> Iterable[Metric]:
        """Nothing: to be registered must not open an index."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures of now."""
        yield InfoMetricFamily("beast_build", "What serves.", {"version": __version__})
        yield from self._searches(self._counters() or Counters())
        found = self._index()
        if found is not None:
            version, rows = found
            yield InfoMetricFamily("beast_index", "What is published.", {"version": version})
            yield GaugeMetricFamily("beast_index_rows", "Rows of the published index.", rows)

    def _searches(self, counters: Counters) -> Iterator[Metric]:
        searches = CounterMetricFamily(
            "beast_searches",
            "Questions that were computed, answered from memory, or joined to an equal one.",
            labels=["answered"],
        )
        for name in ("computed", "cached", "joined"):
            searches.add_metric([name], getattr(counters, name))
        yield searches
        yield CounterMetricFamily(
            "beast_index_reopened", "How often a new version was opened.", counters.reopened
        )


class Measured:
    """Lets requests through and counts them."""

    def __init__(self, app: ASGIApp, figures: Figures, routes: frozenset[str]) -> None:
        """Wrap an application.

        Args:
            app: to be wrapped.
            figures: to count in.
            routes: the paths to tell apart; whatever else is asked for is one, ``other``.
        """
        self._app = app
        self._figures = figures
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 499

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        since = self._figures.began()
        try:
            await self._app(scope, receive, watched)
        finally:
            self._figures.ended(self._route(scope["path"]), status, since)

    def _route(self, path: str) -> str:
        if path.startswith("/static/"):
            return "/static/{file}"
        return path if path in self._routes else "other"
