"""The numbers of an archive as Prometheus reads them: counted when they are asked for, and nothing is kept between."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, ThreadingWSGIServer, generate_latest, make_wsgi_app
from prometheus_client.registry import Collector

from storage.collection import Collection
from storage.disk import folders, free_bytes
from storage.errors import StorageError
from storage.index.gauges import Number, numbers

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_PREFIX = "luutru_"
_COUNTERS = {
    "attempts": "Requests that were made, by crawls that have ended",
    "bytes": "Bytes of heads and bodies received, by crawls that have ended",
    "errors": "What went wrong in crawls that have ended and should not have",
    "crawls": "Crawls, by how they ended",
    "runs": "Planned runs, by what became of them",
}
_GAUGES = {
    "captures": "Archived responses of pages, attachments and robots.txt, revisits among them",
    "revisits": "Captures that repeat an earlier one",
    "requisites": "Archived responses of what pages need to be shown",
    "documents": "Articles",
    "versions": "Distinct texts of articles",
    "frontier_waiting": "Addresses that wait to be asked for",
    "given_up": "Addresses that never answered, by what they are",
    "unreadable": "Captures whose reading failed",
    "unread": "Captures that wait for reading",
    "derive_lag_seconds": "Age of the oldest capture that waits for reading",
    "files": "Sealed WARC files",
    "file_bytes": "Bytes of sealed WARC files",
    "last_good_crawl_timestamp_seconds": "When the newest crawl that was completed started",
    "unverified_since_timestamp_seconds": "Moment of the file that was verified longest ago",
    "next_run_timestamp_seconds": "When a job is due",
    "paused": "Whether a job is paused",
    "disk_free_bytes": "Bytes free on the fullest disk of the archive",
}


def metrics(collection: Collection) -> bytes:
    """All numbers in the text format of Prometheus, version 0.0.4, which is CONTENT_TYPE; raises StorageError."""
    return generate_latest(_registry(collection))


@contextmanager
def served(collection: Collection, port: int) -> Iterator[int]:
    """`/metrics` on a port of loopback while the context is open; the port, which the system chooses for 0.

    Raises StorageError where the port is not free.
    """
    try:
        server = ThreadingWSGIServer(("127.0.0.1", port), _Quiet)
    except OSError as error:
        raise StorageError(f"port {port} cannot be served ({error.strerror}): name another one") from error
    server.set_app(make_wsgi_app(_registry(collection)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics")
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    """Writes nothing about requests."""

    def log_message(self, format: str, *args: object) -> None:  # the name it has there
        pass


class _Archive(Collector):
    """Asks the index at each scrape."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def collect(self) -> Iterable[Metric]:
        with self._collection.index.read() as connection:
            found = numbers(connection, datetime.now(UTC))
        found.append(Number("disk_free_bytes", free_bytes(*folders(self._collection.home))))
        for name, some in groupby(sorted(found, key=lambda one: one.name), key=lambda one: one.name):
            yield _family(name, list(some))


def _registry(collection: Collection) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Archive(collection))
    return registry


def _family(name: str, some: list[Number]) -> Metric:
    labels = [label for label, _ in some[0].labels]
    family: CounterMetricFamily | GaugeMetricFamily
    if name in _COUNTERS:
        family = CounterMetricFamily(_PREFIX + name, _COUNTERS[name], labels=labels)
    else:
        family = GaugeMetricFamily(_PREFIX + name, _GAUGES[name], labels=labels)
    for one in some:
        family.add_metric([value for _, value in one.labels], one.value)
    return family
