"""What Prometheus scrapes."""

from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from bot.observability import Metrics


def _samples(metrics: Metrics) -> dict[str, float]:
    text, content_type = metrics.render()
    assert content_type.startswith("text/plain")
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_every_figure_is_rendered() -> None:
    """Each thing that is told to the metrics shows with its labels."""
    metrics = Metrics()
    metrics.operation_finished("retry", "done", seconds=0.4)
    metrics.gesture_answered("button", "done")
    metrics.veeam_answered("hq", "ok", seconds=0.02)
    metrics.polled("hq", "ok", good_at=datetime(2026, 11, 23, tzinfo=UTC))
    metrics.polled("hq", "timed_out")
    metrics.sessions_noticed("hq", 3)
    metrics.announced("root", "sent")
    metrics.outbox_waits(7)
    metrics.slack_called("chat.postMessage", "ok")
    metrics.slack_waited("chat.postMessage", seconds=1.0)
    samples = _samples(metrics)
    assert {
        "veeam_bot_operations_total['done', 'retry']": 1.0,
        "veeam_bot_operation_seconds_sum['retry']": 0.4,
        "veeam_bot_gestures_total['button', 'done']": 1.0,
        "veeam_bot_veeam_requests_total['hq', 'ok']": 1.0,
        "veeam_bot_veeam_request_seconds_count['hq']": 1.0,
        "veeam_bot_polls_total['hq', 'ok']": 1.0,
        "veeam_bot_polls_total['hq', 'timed_out']": 1.0,
        "veeam_bot_last_good_poll_timestamp_seconds['hq']": 1795392000.0,
        "veeam_bot_sessions_noticed_total['hq']": 3.0,
        "veeam_bot_announcements_total['root', 'sent']": 1.0,
        "veeam_bot_outbox_waiting[]": 7.0,
        "veeam_bot_slack_calls_total['chat.postMessage', 'ok']": 1.0,
        "veeam_bot_slack_retry_after_seconds_sum['chat.postMessage']": 1.0,
    }.items() <= samples.items()


def test_two_bots_in_one_process_do_not_meet() -> None:
    """Each Metrics has a registry of its own."""
    one, other = Metrics(), Metrics()
    one.outbox_waits(5)
    assert _samples(other)["veeam_bot_outbox_waiting[]"] == 0.0
