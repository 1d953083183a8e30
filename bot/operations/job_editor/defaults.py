"""What VBR is sent of a new job that its form did not ask for, in words: it is reviewed like the rest."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot import veeam
from bot.operations.job_editor.fields import TITLES, in_words

_SWITCH = {"true": "on", "false": "off"}
_PROXIES = {"true": "chosen by VBR"}
_AS_THEY_APPEAR = "as new restore points appear"
_WORDS: Mapping[tuple[str, ...], tuple[str, Mapping[str, str]]] = {
    ("agentType",): ("Computers are", {"server": "servers", "failovercluster": "failover clusters"}),
    ("backupMode",): ("Backup mode", {"entirecomputer": "entire computer"}),
    ("mode",): ("Copy mode", {"immediate": "immediate"}),
    ("schedule", "type"): ("Runs", {"immediate": _AS_THEY_APPEAR, "continuous": _AS_THEY_APPEAR}),
    ("schedule", "scheduleMode"): ("Copies at", {"continuous": "any time"}),
    ("useCustomRetention",): ("Retention", {"false": "that of the job it copies"}),
    ("storage", "backupProxies", "autoSelectEnabled"): ("Proxies", _PROXIES),
    ("storage", "backupProxies", "proxyType"): ("Proxies", {"onhost": "none, the host itself (on-host)"}),
    ("dataTransfer", "sourceProxies", "autoSelectEnabled"): ("Source proxies", _PROXIES),
    ("dataTransfer", "targetProxies", "autoSelectEnabled"): ("Target proxies", _PROXIES),
    ("virtualMachines", "sourceRepositories", "sourceType"): (
        "Data comes from",
        {"productionstorage": "production storage"},
    ),
    ("jobSettings", "replicaNameSuffix"): ("Names of replicas end in", {}),
    ("storage", "destination", "destinationType"): (
        "Destination",
        {"backuprepository": "a repository of VBR"},
    ),
    ("storage", "destination", "backupServerName"): ("Agents connect to", {}),
    ("guestProcessing", "guestFSIndexing", "isEnabled"): ("Guest file indexing", _SWITCH),
    ("verificationOptions", "malwareScanEnabled"): ("Malware scan", _SWITCH),
    ("verificationOptions", "yaraScanEnabled"): ("YARA scan", _SWITCH),
}
"""For each place in a spec its title, and VBR's values as people call them; others are shown as they are."""
_RETRY = ("schedule", "retry")


def defaults_in_words(
    spec: Mapping[str, Any], wanted: veeam.JobSettings, revision: veeam.Revision
) -> tuple[str, ...]:
    """Return all that a new job's spec says beside what is wanted, such as "Backup mode: entire computer".

    The last one names what it leaves to VBR.
    """
    left = [TITLES[part] for part in veeam.left_to_vbr(spec, revision)]
    told = [f"Left to VBR: {', '.join(title.lower() for title in left)}"] if left else []
    return tuple(dict.fromkeys((*_in_words(spec, wanted), *told)))


def _in_words(spec: Mapping[str, Any], wanted: veeam.JobSettings) -> Iterator[str]:
    for path, value in veeam.not_asked_for(spec, wanted):
        if path[: len(_RETRY)] == _RETRY:
            part = veeam.SettingsField.RETRY
            yield f"{TITLES[part]}: {in_words(part, veeam.settings_of(spec).retry, {})}"
            continue
        title, words = _WORDS.get(path, (".".join(path), {}))
        yield f"{title}: {words.get(str(value).casefold(), value)}"
