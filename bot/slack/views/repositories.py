"""Repositories: how full they are."""

from bot.slack.text import bar, literal, size
from bot.veeam import RepositoryState

FILLING_FRACTION = 0.85
"""From here on a repository is said to be running full."""
_GIGABYTE = 1024**3


def is_worth_telling(repository: RepositoryState) -> bool:
    """Whether somebody should look: running full, or not there."""
    return repository.is_online is False or (repository.used_fraction or 0) >= FILLING_FRACTION


def repository_line(repository: RepositoryState) -> str:
    """A repository by name, with a bar of what is used and how much is free."""
    parts = [literal(repository.name)]
    if repository.is_scale_out:
        parts.append("scale-out")
    if repository.is_online is False:
        parts.append(":x: offline")
    if repository.used_fraction is not None:
        parts.append(f"{bar(repository.used_fraction * 100)} used")
    if repository.free_gb is not None and repository.capacity_gb:  # object storage has none to name
        free, capacity = repository.free_gb * _GIGABYTE, repository.capacity_gb * _GIGABYTE
        parts.append(f"{size(free)} free of {size(capacity)}")
    return " · ".join(parts)
