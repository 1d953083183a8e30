"""The words in which Block Kit's rules are written: checks that note each problem with its JSON pointer."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(slots=True)
class Report:
    """The problems that were found, in Slack's form: `what is wrong [json-pointer:/where]`."""

    problems: list[str] = field(default_factory=list)

    def add(self, problem: str, pointer: str) -> None:
        """Note one problem."""
        self.problems.append(f"{problem} [json-pointer:{pointer}]")


Check: TypeAlias = Callable[[Any, str, Report], None]
Rule: TypeAlias = Callable[[Mapping[str, Any]], str | None]


def anything(_value: Any, _pointer: str, _report: Report) -> None:
    """No rule."""


def flag(value: Any, pointer: str, report: Report) -> None:
    """A JSON boolean."""
    if not isinstance(value, bool):
        report.add("must be a boolean", pointer)


def integer(least: int | None = None, most: int | None = None) -> Check:
    """A whole number in a range."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add("must be an integer", pointer)
        elif least is not None and value < least:
            report.add(f"must be greater than {least - 1}", pointer)
        elif most is not None and value > most:
            report.add(f"must be less than {most + 1}", pointer)

    return check


def string(most: int | None = None, *, least: int = 1, pattern: str | None = None) -> Check:
    """A string of so many characters; an empty one is refused unless `least` is 0."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add("must be a string", pointer)
        elif len(value) < least:
            report.add(f"must be more than {least - 1} characters", pointer)
        elif most is not None and len(value) > most:
            report.add(f"must be less than {most + 1} characters", pointer)
        elif pattern is not None and not re.fullmatch(pattern, value):
            report.add("does not match the expected format", pointer)

    return check


def word(*allowed: str) -> Check:
    """One of these strings."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if value not in allowed:
            report.add(f"must be one of: {', '.join(allowed)}", pointer)

    return check


def listing(each: Check, most: int | None = None, *, least: int = 1) -> Check:
    """An array of so many items."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, list):
            report.add("must provide an array", pointer)
            return
        if len(value) < least:
            report.add(f"no less than {least} items allowed", pointer)
        if most is not None and len(value) > most:
            report.add(f"no more than {most} items allowed", pointer)
        for index, item in enumerate(value):
            each(item, f"{pointer}/{index}", report)

    return check


def record(
    required: Mapping[str, Check] | None = None,
    optional: Mapping[str, Check] | None = None,
    rules: Sequence[Rule] = (),
) -> Check:
    """An object with these keys and no others (but `type`), that also keeps the rules."""
    needed, known = dict(required or {}), {"type": anything, **(optional or {}), **(required or {})}

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add("must provide an object", pointer)
            return
        for key in needed:
            if key not in value:
                report.add(f"missing required field: {key}", pointer)
        for key, part in value.items():
            if key in known:
                known[key](part, f"{pointer}/{key}", report)
            else:
                report.add(f"invalid additional property: {key}", pointer)
        for rule in rules:
            if (problem := rule(value)) is not None:
                report.add(problem, pointer)

    return check


def typed(table: Mapping[str, Check]) -> Check:
    """An object whose `type` chooses the check."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add("must provide an object", pointer)
        elif "type" not in value:
            report.add("missing required field: type", pointer)
        elif not isinstance(value["type"], str) or value["type"] not in table:
            report.add(f"unsupported type: {value['type']}", f"{pointer}/type")
        else:
            table[value["type"]](value, pointer, report)

    return check


def one_of(*keys: str) -> Rule:
    """Exactly one of these keys."""

    def rule(value: Mapping[str, Any]) -> str | None:
        present = [key for key in keys if key in value]
        return None if len(present) == 1 else f"must provide exactly one of: {', '.join(keys)}"

    return rule


def some_of(*keys: str) -> Rule:
    """At least one of these keys."""

    def rule(value: Mapping[str, Any]) -> str | None:
        return (
            None if any(key in value for key in keys) else f"must provide at least one of: {', '.join(keys)}"
        )

    return rule
