"""A job's settings in words: what it backs up, when, to where, for how long."""

import re
from collections.abc import Iterable, Sequence
from typing import assert_never

from bot import veeam
from bot.operations.job_editor.fields import compression_in_words, encryption_in_words, hours_in_words
from bot.slack.text import count, dotted, literal, sentence_case

ITEMS_SHOWN = 10

_MACHINES = frozenset({"virtualmachine", "windowscomputer", "linuxcomputer", ""})
_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_KINDS = {
    veeam.ItemKind.JOB: "job",
    veeam.ItemKind.REPOSITORY: "repository",
    veeam.ItemKind.BACKUP: "backup",
    veeam.ItemKind.TENANT: "Entra ID tenant",
    veeam.ItemKind.DISKS: "some disks",
}
_SCOPES = {
    "entirecomputer": "the entire computer",
    "volumes": "chosen volumes",
    "filelevel": "chosen files",
}
_UNITS = {
    veeam.RetentionUnit.DAYS: "day",
    veeam.RetentionUnit.RESTORE_POINTS: "restore point",
    veeam.RetentionUnit.MONTHS: "month",
    veeam.RetentionUnit.YEARS: "year",
}
_MONTHS_OF_A_YEAR = 12


def settings_lines(facts: veeam.JobFacts) -> list[str]:
    """What the model says, a line each; what it doesn't say has none."""
    return list(
        filter(
            None,
            (
                _objects(facts),
                _left_out(facts),
                _labelled("Replicates to", literal(facts.target) if facts.target else ""),
                _labelled("Keeps", _kept(facts)),
                _labelled("Guest processing", _guest(facts)),
                _labelled("Encryption", _encryption(facts)),
                _storage(facts),
                "Runs a script before or after" if facts.runs_scripts else "",
            ),
        )
    )


def item(one: veeam.JobItem) -> str:
    """One thing that a job includes or leaves out: its name and, where it is no machine, what it is."""
    kind = _KINDS.get(one.kind, "")
    if one.kind is veeam.ItemKind.OBJECT and one.type.casefold() not in _MACHINES:
        kind = _CAPITALS.sub(" ", one.type).lower()
    name = literal(one.name) if one.name else literal(one.id or "unnamed")
    return f"{name} ({literal(kind)})" if kind else name


def schedule_sentence(schedule: veeam.ScheduleFacts) -> str:
    """When the job runs by itself: "Daily at 22:00, then retried 3 times, 10 minutes apart"."""
    if schedule.is_automatic is False:
        return "Not scheduled: it runs when someone starts it"
    when = _joined([_timing(one) for one in schedule.timings])
    if not when:
        return "As set in VBR" if schedule.is_automatic else ""
    return "".join((sentence_case(when), _window(schedule.window), _retries(schedule.retry)))


def _objects(facts: veeam.JobFacts) -> str:
    if not facts.items:
        return ""
    named = ", ".join(map(item, facts.items[:ITEMS_SHOWN]))
    left_out = len(facts.items) - ITEMS_SHOWN
    more = f" and {left_out:,} more: see Next" if left_out > 0 else ""
    copies = facts.items[0].kind in {veeam.ItemKind.JOB, veeam.ItemKind.REPOSITORY, veeam.ItemKind.BACKUP}
    scope = "" if facts.scope is None else _SCOPES.get(facts.scope.casefold(), literal(facts.scope))
    return dotted(
        f"{'Scans' if facts.reads_jobs else 'Copies' if copies else 'Backs up'}: {named}{more}", scope
    )


def _left_out(facts: veeam.JobFacts) -> str:
    parts = [item(one) for one in facts.left_out[:ITEMS_SHOWN]]
    more = len(facts.left_out) - len(parts)
    parts += [f"{more:,} more"] if more > 0 else []
    parts += ["templates"] if facts.leaves_templates_out else []
    return _labelled("Leaves out", ", ".join(parts))


def _kept(facts: veeam.JobFacts) -> str:
    if facts.is_kept_as_primary:
        return "as long as the job that it copies"
    kept = ""
    if (retention := facts.retention) is not None:
        unit = veeam.known(veeam.RetentionUnit, retention.unit)
        kept = (
            count(retention.quantity, _UNITS[unit])
            if unit is not None
            else f"{retention.quantity:,} {literal(retention.unit)}"
        )
    gfs = ", ".join(f"{number:,} {period}" for period, number in facts.gfs)
    return dotted(kept, f"long-term (GFS): {gfs}" if gfs else "")


def _storage(facts: veeam.JobFacts) -> str:
    """How backups are written: compression, full backups now and then, health check."""
    compression = literal(compression_in_words(facts.compression)) if facts.compression else ""
    fulls = " and ".join(_fulls(kind, days) for kind, days in facts.full_backups)
    return dotted(
        _labelled("Compression", compression),
        f"makes {fulls}" if fulls else "",
        _labelled(
            "health check" if compression or fulls else "Health check", _on_or_off(facts.is_health_checked)
        ),
    )


def _fulls(kind: str, task: veeam.TaskDays) -> str:
    """Such as "active full backups on Saturday"; what is monthly has no days here."""
    days = _joined([day.capitalize() for day in task.days])
    return f"{kind} full backups on {days}" if days and not task.is_otherwise else f"{kind} full backups"


def _encryption(facts: veeam.JobFacts) -> str:
    return encryption_in_words(facts.encryption_key) if facts.is_encrypted else _on_or_off(facts.is_encrypted)


def _guest(facts: veeam.JobFacts) -> str:
    if facts.is_application_aware is None:
        return ""
    aware = "off"
    if facts.is_application_aware:
        own = "an account of its own" if facts.guest_account_id else ""
        account = literal(facts.guest_account) if facts.guest_account else own
        aware = f"application-aware with {account}" if account else "application-aware"
    return f"{aware}, files indexed" if facts.is_indexed else aware


def _on_or_off(flag: bool | None) -> str:  # noqa: FBT001 -- the value is what is put into words
    return "" if flag is None else "on" if flag else "off"


def _labelled(label: str, value: str) -> str:
    return f"{label}: {value}" if value else ""


def _timing(timing: veeam.Timing) -> str:
    match timing:
        case veeam.Daily(kind=kind, at=at, days=days):
            return f"{_daily(kind, days)}{_at(at)}"
        case veeam.Monthly():
            return f"{_monthly(timing)}{_at(timing.at)}"
        case veeam.Periodic(frequency=frequency, unit=unit):
            one = literal(unit.lower().removesuffix("s"))
            return f"every {one}" if frequency == 1 else f"every {frequency:,} {one}s"
        case veeam.Continuous():
            return "continuously, a new run as soon as one has ended"
        case veeam.AfterJob(name=name):
            return f"after {literal(name)}" if name else "after another job"
        case veeam.AsPointsAppear():
            return "as new restore points appear"
        case _:
            assert_never(timing)


def _daily(kind: str, days: Sequence[str]) -> str:
    match kind.casefold():
        case "everyday":
            return "daily"
        case "weekdays":
            return "Monday to Friday"
        case "selecteddays" if days:
            return f"every {_joined([literal(day.capitalize()) for day in days])}"
        case _:
            return literal(kind) if kind else "on some days"


def _monthly(monthly: veeam.Monthly) -> str:
    if monthly.is_last_day:
        day = "the last day"
    elif monthly.number.casefold() == "onday":
        day = f"day {monthly.day}" if monthly.day is not None else "a day"
    elif monthly.number and monthly.weekday:
        day = f"the {literal(monthly.number.lower())} {literal(monthly.weekday.capitalize())}"
    else:
        day = f"day {monthly.day}" if monthly.day is not None else "a day"
    if not monthly.months or len(set(monthly.months)) == _MONTHS_OF_A_YEAR:
        return f"every month on {day}"
    return f"in {_joined([literal(month.capitalize()) for month in monthly.months])} on {day}"


def _at(at: str | None) -> str:
    return f" at {literal(at)}" if at else ""


def _retries(retry: veeam.RetryPolicy | None) -> str:
    if retry is None:
        return ""
    times = "once" if retry.count == 1 else f"{retry.count:,} times"
    apart = count(retry.wait_minutes, "minute")
    return f", then retried {times}, {apart} {'later' if retry.count == 1 else 'apart'}"


def _window(window: Sequence[tuple[str, veeam.Hours]]) -> str:
    shown = hours_in_words(window)
    return f", only {literal(shown)}" if shown else ""


def _joined(parts: Iterable[str]) -> str:
    *most, last = [*parts] or [""]
    return f"{', '.join(most)} and {last}" if most else last
