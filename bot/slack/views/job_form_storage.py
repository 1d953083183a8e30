"""The fields of a job's form for retries, backup window, compression, encryption, full backups and checks.

Each field says "off" by itself, so that none of them appears or goes when another is changed. Pure.
"""

from collections.abc import Mapping
from typing import Any

from bot import veeam
from bot.operations.job_editor.fields import (
    TITLES,
    compression_in_words,
    encryption_in_words,
    hours_in_words,
)
from bot.operations.job_editor.objects import MenuOption
from bot.slack.codec import FormState
from bot.slack.views import inputs
from bot.slack.views.message import MessagePart

RETRIES, RETRY_WAIT = "retries", "retry_wait"
WINDOW_FROM, WINDOW_TO = "window_from", "window_to"
COMPRESSION, ENCRYPTION = "compression", "encryption"
ON, OFF = "on", "off"
ANY_HOUR, AS_SET = "any", "as_set"
FIELD_OF: Mapping[veeam.SettingsField, str] = {
    veeam.SettingsField.RETRY: RETRIES,
    veeam.SettingsField.WINDOW: WINDOW_FROM,
    veeam.SettingsField.COMPRESSION: COMPRESSION,
    veeam.SettingsField.ENCRYPTION: ENCRYPTION,
    **{part: part.value for part in veeam.TASKS},
}
_COMPRESSIONS = ("None", "DedupFriendly", "Optimal", "High", "Extreme")
"""What each revision has."""
_MOST = 99_999
_DIGITS = 6
_Entered = dict[veeam.SettingsField, Any]


def retries(wanted: veeam.JobSettings) -> list[MessagePart]:
    """How often a failed run is retried, and how far apart."""
    retry = wanted.retry
    if retry is None:
        return []
    wait = retry.wait_minutes
    return [
        inputs.number(
            inputs.Field(RETRIES, "Retries", "Of a scheduled run that failed. 0: none."),
            retry.count,
            least=0,
            most=max(veeam.MOST_RETRIES, retry.count),
        ),
        inputs.number(
            inputs.Field(RETRY_WAIT, "Minutes between retries"),
            wait,
            least=min(1, wait),
            most=max(veeam.LONGEST_WAIT, wait),
        ),
    ]


def window(wanted: veeam.JobSettings, zone: str) -> list[MessagePart]:
    """From which hour to which: the same each day. What is set otherwise is kept, or replaced."""
    set_hours = wanted.window
    if set_hours is None:
        return []
    begin, end = set_hours.daily_range or (None, None)
    chosen = str(begin) if begin is not None else AS_SET if set_hours.is_on else ANY_HOUR
    begins = [
        MenuOption(ANY_HOUR, "At any time", ""),
        *([MenuOption(AS_SET, "As set in VBR", hours_in_words(set_hours.days))] if chosen == AS_SET else []),
        *(MenuOption(str(hour), f"From {hour:02}:00", "") for hour in range(veeam.HOURS_OF_A_DAY)),
    ]
    ends = [MenuOption(str(hour), f"{hour:02}:00", "") for hour in range(1, veeam.HOURS_OF_A_DAY + 1)]
    first = inputs.Field(WINDOW_FROM, "Backup window", f"The same each day. {zone}")
    last = inputs.Field(WINDOW_TO, "Until", "What still runs then is stopped. At any time: not used.")
    return [
        inputs.one_of(first, begins, chosen),
        inputs.one_of(last, ends, str(end or veeam.HOURS_OF_A_DAY)),
    ]


def storage(wanted: veeam.JobSettings, read: veeam.JobSettings) -> list[MessagePart]:
    """Compression, encryption, and the days of full backups and health checks; `read` is what VBR has."""
    fields: list[MessagePart] = []
    if wanted.compression is not None:
        level = next(
            (each for each in _COMPRESSIONS if each.casefold() == wanted.compression.casefold()),
            wanted.compression,
        )
        levels = [
            MenuOption(each, compression_in_words(each).capitalize(), "")
            for each in dict.fromkeys((*_COMPRESSIONS, level))
        ]
        fields.append(inputs.one_of(inputs.Field(COMPRESSION, "Compression"), levels, level))
    if wanted.encryption is not None:
        choices = [
            MenuOption(ON, encryption_in_words(wanted.encryption.key).capitalize(), ""),
            MenuOption(OFF, "Off", ""),
        ]
        field = inputs.Field(ENCRYPTION, "Encryption", "Another key is set in VBR's console.")
        fields.append(inputs.one_of(field, choices, ON if wanted.encryption.is_on else OFF))
    for part in filter(veeam.TASKS.__contains__, veeam.SettingsField):
        task: veeam.TaskDays | None = wanted.part(part)
        if task is None:
            continue
        days = [MenuOption(day.value, day.capitalize(), "") for day in veeam.Weekday]
        stood = read.part(part)
        if task.is_otherwise or (stood is not None and stood.is_otherwise):
            days.append(MenuOption(AS_SET, "As set in VBR", "Once a month, or otherwise"))
        ticked = [*task.days, *([AS_SET] if task.is_otherwise else [])]
        field = inputs.Field(part.value, TITLES[part], "No day: off.", is_optional=True)
        fields.append(inputs.any_of(field, days, ticked))
    return fields


def entered(state: FormState, problems: dict[str, str]) -> _Entered:
    """What was entered in the fields that there are; what is wrong is added to the problems."""
    return {
        **_retries(state, problems),
        **_window(state, problems),
        **_stored(state),
        **{part: _task(state, part) for part in veeam.TASKS if part.value in state},
    }


def _number(state: FormState, field: str, least: int, most: int, problems: dict[str, str]) -> int | None:
    entered = inputs.text_in(state, field).strip()
    number = int(entered) if entered.isascii() and entered.isdecimal() and len(entered) < _DIGITS else -1
    if least <= number <= most:
        return number
    problems[field] = f"A whole number from {least} to {most:,}."
    return None


def _retries(state: FormState, problems: dict[str, str]) -> _Entered:
    if RETRIES not in state:
        return {}
    count = _number(state, RETRIES, 0, _MOST, problems)
    wait = _number(state, RETRY_WAIT, 0, _MOST, problems)
    if count is None or wait is None:
        return {}
    return {veeam.SettingsField.RETRY: veeam.RetryPolicy(enabled=count > 0, count=count, wait_minutes=wait)}


def _window(state: FormState, problems: dict[str, str]) -> _Entered:
    begin = inputs.text_in(state, WINDOW_FROM)
    if begin in {"", AS_SET}:
        return {}
    if begin == ANY_HOUR:
        return {veeam.SettingsField.WINDOW: veeam.BackupWindow(is_on=False)}
    first = _number(state, WINDOW_FROM, 0, veeam.HOURS_OF_A_DAY - 1, problems)
    last = _number(state, WINDOW_TO, 1, veeam.HOURS_OF_A_DAY, problems)
    if first is None or last is None:
        return {}
    if first == last:
        problems[WINDOW_TO] = "Choose another hour than it begins with."
        return {}
    return {veeam.SettingsField.WINDOW: veeam.BackupWindow.daily(first, last)}


def _task(state: FormState, part: veeam.SettingsField) -> veeam.TaskDays:
    ticked = inputs.choices_in(state, part.value)
    return veeam.TaskDays(tuple(day for day in veeam.Weekday if day in ticked), AS_SET in ticked)


def _stored(state: FormState) -> _Entered:
    entered: _Entered = {}
    if level := inputs.text_in(state, COMPRESSION):
        entered[veeam.SettingsField.COMPRESSION] = level
    if chosen := inputs.text_in(state, ENCRYPTION):
        entered[veeam.SettingsField.ENCRYPTION] = veeam.Encryption(is_on=chosen == ON)
    return entered
