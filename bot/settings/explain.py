"""Says in the settings' own words what pydantic found; never repeats a value, which might be a secret."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.settings.layout import keys_in_file, section_at
from bot.settings.origins import Location, Origins
from bot.settings.problems import Problem, nearest, quoted

_TEXTS: Final[Mapping[str, str]] = {
    "string_type": "must be text, in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "path_type": "must be a path, in quotes",
}
_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def explained(
    error: ValidationError, origins: Origins, expected: Mapping[Location, str]
) -> Iterator[Problem]:
    """One problem for each of pydantic's errors; `expected` names the variables that values are read from."""
    for detail in error.errors(include_url=False, include_input=True):
        at: Location = detail["loc"]
        if detail["type"] == "missing":
            if (problem := _missing(at, origins, expected)) is not None:
                yield problem
            continue
        if detail["type"] == "too_short" and detail["input"]:
            continue  # Its entries were wrong, each with a problem of its own.
        origin = origins.of(at)
        yield Problem(origin.setting, origin.source, _TEXT_BY_TYPE.get(detail["type"], _plain)(detail, at))


def _missing(at: Location, origins: Origins, expected: Mapping[Location, str]) -> Problem | None:
    if at in origins.variables:
        return None  # A variable was there and could not be used: that is a problem of its own.
    if (variable := expected.get(at)) is not None:
        return Problem(variable, "environment", "is not set")
    if at[-1] == "password":  # Its variable's name is made of a name that is missing or wrong itself.
        return None
    return Problem(_table(at), origins.place(at[:-1]), "is missing")


def _unknown_key(_detail: ErrorDetails, at: Location) -> str:
    section = section_at(at[:-1])
    known = keys_in_file(section) if section else []
    meant = nearest(str(at[-1]), known)
    hint = f"did you mean {meant}?" if meant else f"there is: {', '.join(known)}"
    return f"{quoted(str(at[-1]))} is not a setting; {hint}"


def _not_a_list(detail: ErrorDetails, at: Location) -> str:
    if section_at(at) is not None and isinstance(detail["input"], dict):
        return f"must be written with two brackets: [[{_table(at)}]]"
    return 'must be a list, such as ["a", "b"]'


def _not_a_table(_detail: ErrorDetails, at: Location) -> str:
    return (
        f"must be a table: [[{_table(at)}]]"
        if isinstance(at[-1], int)
        else f"must be a table: [{_table(at)}]"
    )


def _table(at: Location) -> str:
    return ".".join(step for step in at if isinstance(step, str))


def _broken_rule(detail: ErrorDetails, _at: Location) -> str:
    return str(detail["ctx"]["error"])


def _plain(detail: ErrorDetails, _at: Location) -> str:
    kind = detail["type"]
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return f"must be {words} {detail['ctx'][key]:g}"
    return _TEXTS.get(kind, detail["msg"])


_TEXT_BY_TYPE: Final[Mapping[str, Callable[[ErrorDetails, Location], str]]] = {
    "extra_forbidden": _unknown_key,
    "tuple_type": _not_a_list,
    "model_type": _not_a_table,
    "model_attributes_type": _not_a_table,
    "dict_type": _not_a_table,
    "value_error": _broken_rule,
}
