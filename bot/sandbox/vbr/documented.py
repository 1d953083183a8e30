"""What VBR's documents say of the operations that the sandbox serves, revision by revision.

It stands in ``operations.txt``, drawn from Veeam's own documents (``tests/support/vbr_operations.py``): a
line for each operation with who may call it, and below it, indented, its query parameters, ``orderColumn``
with its values. ``| REVISIONS`` ends a line that only those have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass
class Documented:
    """An operation: the letters of the roles that may call it, its query parameters, what orders its rows."""

    roles: str
    parameters: set[str] = field(default_factory=set)
    columns: frozenset[str] = frozenset()


@cache
def documented(revision: str) -> Mapping[tuple[str, str], Documented]:
    """The operations of a revision, by method and path template."""
    found: dict[tuple[str, str], Documented] = {}
    latest = Documented("")
    for row in files(__package__).joinpath("operations.txt").read_text("utf-8").splitlines():
        line, _, having = row.partition(" | ")
        is_here = not having or revision in having.split()
        if line.startswith(" "):
            name, *columns = line.split()
            if is_here:
                latest.parameters.add(name)
                latest.columns |= set(columns)
            continue
        method, template, roles = line.split()
        if is_here:
            latest = found[method, template] = Documented(roles)
        elif (method, template) not in found:
            latest = Documented(roles)
    return MappingProxyType(found)
