"""What the sandbox knows of VBR's operations, drawn from Veeam's OpenAPI documents of all revisions.

The result is ``bot/sandbox/vbr/operations.txt``: who may call an operation, its query parameters, and what
can order its rows. A line that not all revisions have names those that do.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from tests.support.vbr_schemas import written

_LETTERS = {
    "Backup Administrator": "A",
    "Backup Operator": "B",
    "Restore Operator": "R",
    "Backup Viewer": "V",
    "Tape Operator": "T",
    "Security Administrator": "S",
    "Incident API Operator": "I",
    "custom roles that have backup": "C",
}
_EVERY_ROLE = "ABRVTSI"


def drawn(documents: Mapping[str, Mapping[str, Any]], served: Collection[tuple[str, str]]) -> str:
    """Draw the file's text for the operations that the sandbox serves, from documents by revision."""
    text = ""
    with_custom = {revision for revision, document in documents.items() if _knows_custom_roles(document)}
    for method, template in sorted(served, key=lambda operation: (operation[1], operation[0])):
        lines: dict[str, list[str]] = {}
        for revision, document in documents.items():
            facts = document["paths"].get(template, {}).get(method.lower())
            if facts is not None:
                letters = roles(facts, knows_custom_roles=revision in with_custom)
                for line in (f"{method} {template} {letters}", *_parameters(facts, document)):
                    lines.setdefault(line, []).append(revision)
        text += written(lines, tuple(documents))
    return text


def _knows_custom_roles(document: Mapping[str, Any]) -> bool:
    return any(
        "custom roles that have" in operation.get("description", "")
        for methods in document["paths"].values()
        for operation in methods.values()
        if isinstance(operation, dict)
    )


def roles(facts: Mapping[str, Any], *, knows_custom_roles: bool) -> str:
    """Who may call an operation, by the letters of their roles; ``-`` for anyone, without a token."""
    _, _, told = facts["description"].partition("Available to")
    if "Anyone" in told:
        return "-"
    if re.search(r"All (built-in )?(user |and custom )?(user )?roles", told):
        return _EVERY_ROLE + "C" * (knows_custom_roles and "not allowed" not in told)
    return "".join(letter for role, letter in _LETTERS.items() if role in told)


def _parameters(facts: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    known = document["components"].get("parameters", {})
    found = [known[p["$ref"].rsplit("/", 1)[-1]] if "$ref" in p else p for p in facts.get("parameters", ())]
    return [f"  {_described(each, document)}" for each in found if each["in"] == "query"]


def _described(parameter: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """A parameter's name, and the columns of one that orders."""
    name: str = parameter["name"]
    if name != "orderColumn":
        return name
    enum = document["components"]["schemas"][parameter["schema"]["$ref"].rsplit("/", 1)[-1]]["enum"]
    return " ".join((name, *enum))
