"""What VBR says when something goes wrong: messages as they are met in practice, with names filled in."""

from random import Random

_VDDK = (
    "Failed to open VDDK disk [[SAN-01] {object}/{object}.vmdk] ( is read-only mode - [true] ) Failed "
    "to open virtual disk. Logon attempt with parameters [VC/ESX: [{host}]; Port: 443; Login: "
    "[EXAMPLE\\svc-veeam]; VMX Spec: [moref=vm-1042]] failed because of the following errors: Failed to"
    " open disk for read."
)
_WRITER = (
    "Unable to release guest. Details: VSSControl: Failed to freeze guest over network, wait timeout "
    "VSS_WS_FAILED_AT_FREEZE. Writer name: [Microsoft Exchange Writer]. Class ID: "
    "[{{76fe1ac4-15f7-4bcd-987e-8e1acb462fb7}}]. Error code: [0x800423f2]."
)
_NAME_RESOLUTION = (
    "Cannot get service content. Soap fault. Temporary failure in name resolution\n"
    "Detail: 'get host by name failed in tcp_connect()', endpoint: 'https://{host}:443/sdk'"
)
_GUEST = (
    "Failed to connect to guest agent. Errors: 'Cannot connect to the host's administrative share. Host: "
    "[{object}.example.com]. Account: [EXAMPLE\\backup].'"
)
_SPACE = (
    "There is not enough space on the disk. Failed to write data to the file "
    "[D:\\Backup\\{object}D2025.vbk]. Insufficient disk space on the repository."
)
_UPLOAD = (
    "Failed to upload disk. Agent failed to process method {{DataTransfer.SyncDisk}}. Exception from "
    "server: An existing connection was forcibly closed by the remote host."
)
FAILURES = (
    _VDDK,
    _WRITER,
    _NAME_RESOLUTION,
    _GUEST,
    _SPACE,
    _UPLOAD,
    "Failed to create processing task for VM {object} Error: No backup proxy is able to process the VM",
    "{object} is unavailable and will be skipped from processing. Nothing to process.",
    "Failed to prepare guest for freeze, wait timeout 900 sec",
    "Failed to freeze guest, wait timeout",
    "Guest processing skipped (check guest OS VSS state) FinishSnapshot failed: 0x800401fd",
)
WARNINGS = (
    "Unable to truncate SQL Server transaction logs. Details: Failed to logon as user [EXAMPLE\\backup]",
    "vCenter version 8.0.3 is newer than the latest version tested with this release (KB2443)",
    "Repository free space is getting low: less than 10% of 20.0 TB is left",
    "VMware Tools are not running on {object}, guest processing was skipped",
)

CANCELED = "Operation was canceled by user"


def failure_text(rng: Random, name: str, host: str = "vcenter01.example.com") -> str:
    """One of the messages that a failed object bears."""
    return rng.choice(FAILURES).format(object=name.strip(), host=host)


def job_failure_text(rng: Random, host: str = "vcenter01.example.com") -> str:
    """One of the messages that a job bears that failed as a whole: it names no object."""
    return rng.choice([text for text in FAILURES if "{object}" not in text]).format(host=host)


def warning_text(rng: Random, name: str) -> str:
    """One of the messages that an object with a warning bears."""
    return rng.choice(WARNINGS).format(object=name.strip())
