"""What is counted and timed, for Prometheus.

Labels are words of the bot's own (an operation, an outcome, a server's name), never text of VBR
or Slack: their number stays small, and nothing secret gets in.
"""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_WAITS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """Every figure of one bot, in a registry of its own, so that two bots in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._operations = self._counter("operations", "Operations that ended.", "operation", "outcome")
        self._operation_seconds = self._histogram(
            "operation_seconds", "From the gesture to the outcome.", "operation"
        )
        self._gestures = self._counter(
            "gestures", "Commands, buttons, modals and shortcuts.", "kind", "outcome"
        )
        self._requests = self._counter("veeam_requests", "Requests to VBR.", "server", "outcome")
        self._request_seconds = self._histogram("veeam_request_seconds", "How long VBR took.", "server")
        self._polls = self._counter("polls", "Polls for ended sessions.", "server", "outcome")
        self._last_good_poll = self._gauge(
            "last_good_poll_timestamp_seconds", "Unix time of the last poll that went well.", "server"
        )
        self._noticed = self._counter("sessions_noticed", "Ended sessions seen for the first time.", "server")
        self._announcements = self._counter("announcements", "Announcements by their end.", "kind", "outcome")
        self._outbox = self._gauge("outbox_waiting", "Announcements that wait to be sent.")
        self._slack_calls = self._counter("slack_calls", "Calls of Slack's Web API.", "method", "outcome")
        self._slack_waits = self._histogram(
            "slack_retry_after_seconds", "Waits that Slack asked for.", "method", buckets=_WAITS
        )

    def operation_finished(self, operation: str, outcome: str, *, seconds: float) -> None:
        """Count an operation's outcome and its time."""
        self._operations.labels(operation, outcome).inc()
        self._operation_seconds.labels(operation).observe(seconds)

    def gesture_answered(self, kind: str, outcome: str) -> None:
        """Count what a person did in Slack: command, button, modal, shortcut."""
        self._gestures.labels(kind, outcome).inc()

    def veeam_answered(self, server: str, outcome: str, *, seconds: float) -> None:
        """Count a request to VBR; the outcome is the kind of its answer or of its failure."""
        self._requests.labels(server, outcome).inc()
        self._request_seconds.labels(server).observe(seconds)

    def polled(self, server: str, outcome: str, *, good_at: datetime | None = None) -> None:
        """Count a poll; one that went well says when (aware)."""
        self._polls.labels(server, outcome).inc()
        if good_at is not None:
            self._last_good_poll.labels(server).set(good_at.timestamp())

    def sessions_noticed(self, server: str, count: int = 1) -> None:
        """Count sessions that were seen to have ended."""
        self._noticed.labels(server).inc(count)

    def announced(self, kind: str, outcome: str) -> None:
        """Count an announcement's end: sent, found again, given up."""
        self._announcements.labels(kind, outcome).inc()

    def outbox_waits(self, count: int) -> None:
        """Say how many announcements wait."""
        self._outbox.set(count)

    def slack_called(self, method: str, outcome: str) -> None:
        """Count a call of Slack's Web API: "ok", or the error Slack named."""
        self._slack_calls.labels(method, outcome).inc()

    def slack_waited(self, method: str, *, seconds: float) -> None:
        """Record a wait that a Retry-After asked for."""
        self._slack_waits.labels(method).observe(seconds)

    def render(self) -> tuple[bytes, str]:
        """The text that Prometheus scrapes, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"veeam_bot_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"veeam_bot_{name}", text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = _SECONDS
    ) -> Histogram:
        return Histogram(f"veeam_bot_{name}", text, labels, registry=self.registry, buckets=buckets)
