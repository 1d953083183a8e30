"""Checking a JSON body against a shape: which fields must be there, and of which type each is.

Null counts as missing. Unknown fields are let pass, as VBR lets them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from bot.sandbox.vbr.refusals import bad_content

Rule: TypeAlias = Callable[[Any, str], None]


@dataclass(frozen=True)
class Shape:
    """An object: the rules of its required and of its optional fields."""

    required: Mapping[str, Rule] = field(default_factory=dict)
    optional: Mapping[str, Rule] = field(default_factory=dict)

    def __call__(self, value: Any, where: str) -> None:
        """Raise a 400 naming the first field that is missing or wrong."""
        if not isinstance(value, dict):
            raise _wrong(where)
        for name, rule in self.required.items():
            if value.get(name) is None:
                raise bad_content(f"The {_join(where, name)} field is required.")
            rule(value[name], _join(where, name))
        for name, rule in self.optional.items():
            if value.get(name) is not None:
                rule(value[name], _join(where, name))

    def plus(
        self, *, required: Mapping[str, Rule] | None = None, optional: Mapping[str, Rule] | None = None
    ) -> "Shape":
        """The same shape with further fields."""
        return Shape({**self.required, **(required or {})}, {**self.optional, **(optional or {})})


def text(value: Any, where: str) -> None:
    """A string."""
    if not isinstance(value, str):
        raise _wrong(where)


def boolean(value: Any, where: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong(where)


def integer(value: Any, where: str) -> None:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(where)


def number(value: Any, where: str) -> None:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(where)


def whole(at_least: int, at_most: int | None = None) -> Rule:
    """A whole number within bounds."""

    def rule(value: Any, where: str) -> None:
        integer(value, where)
        if value < at_least or (at_most is not None and value > at_most):
            limits = f"at least {at_least}" if at_most is None else f"between {at_least} and {at_most}"
            raise bad_content(f"The value of {where} must be {limits}.")

    return rule


def uuid(value: Any, where: str) -> None:
    """A UUID as text."""
    text(value, where)
    try:
        UUID(value)
    except ValueError:
        raise _wrong(where) from None


def hours(value: Any, where: str) -> None:
    """A day's 24 hours, each 0 or 1, with commas between them."""
    text(value, where)
    permitted = value.split(",")
    if len(permitted) != 24 or set(permitted) - {"0", "1"}:
        raise _wrong(where)


def anything(value: Any, where: str) -> None:
    """Any object; what is in it is not looked at."""
    if not isinstance(value, dict):
        raise _wrong(where)


def one_of(*words: str) -> Rule:
    """One of the values of an enum, spelt exactly so."""

    def rule(value: Any, where: str) -> None:
        if value not in words:
            raise _wrong(where)

    return rule


def many(item: Rule) -> Rule:
    """A list of such items."""

    def rule(value: Any, where: str) -> None:
        if not isinstance(value, list):
            raise _wrong(where)
        for index, element in enumerate(value):
            item(element, f"{where}[{index}]")

    return rule


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _wrong(where: str) -> Exception:
    return bad_content(f"The value of {where or 'the body'} is missing or not valid.")
