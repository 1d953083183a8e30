"""What the seeded worlds back up: jobs of all types, ordinary and odd names, of two sites.

Headquarters has what 1.3-rev0 knows, the branch some of what came later.
"""

from dataclasses import dataclass

from bot.sandbox.vbr.estate import RepositoryFacts


@dataclass(frozen=True)
class JobSeed:
    """One job to seed. ``at`` is its daily time, ``after`` its predecessor; neither means by hand.

    ``repository`` counts the site's repositories, and after them its scale-out repositories. ``guest`` is the
    user whose credentials application-aware processing uses.

    The last ``failed_runs`` of a job failed, automatic retries included; it then fails every other time.
    """

    name: str
    kind: str = "VSphereBackup"
    at: str | None = "22:00"
    objects: tuple[str, ...] = ("web01", "web02")
    failure_rate: float = 0.04
    warning_rate: float = 0.08
    after: str | None = None
    source: str | None = None
    mode: str = "Immediate"
    repository: int = 0
    is_disabled: bool = False
    is_high_priority: bool = False
    has_run: bool = True
    is_running: bool = False
    every_hours: int | None = None
    failed_runs: int = 0
    retries: int = 3
    guest: str | None = None


@dataclass(frozen=True)
class GroupSeed:
    """A protection group to seed."""

    name: str
    computers: tuple[str, ...]
    kind: str = "WindowsComputer"


@dataclass(frozen=True)
class ScaleOutSeed:
    """A scale-out repository to seed, with its performance extents."""

    name: str
    extents: tuple[RepositoryFacts, ...]


@dataclass(frozen=True)
class Site:
    """A VBR server to seed: what it protects with which credentials, its repositories, proxies and jobs.

    ``machines_elsewhere`` are on a second vCenter; ``credentials`` are user name, type and description.
    """

    name: str
    utc_offset_hours: int
    repositories: tuple[RepositoryFacts, ...]
    proxies: tuple[tuple[str, str], ...]
    jobs: tuple[JobSeed, ...]
    people: tuple[str, ...]
    groups: tuple[GroupSeed, ...]
    credentials: tuple[tuple[str, str, str], ...]
    machines_elsewhere: tuple[str, ...] = ()
    scale_out_repositories: tuple[ScaleOutSeed, ...] = ()


_LONG_NAME = (
    "Finance & Controlling \N{EN DASH} SAP ERP production landscape (ECC, BW, PI, Solution Manager) incl. "
    "all application servers"
).ljust(120, "!")

_HQ_JOBS = (
    JobSeed(
        "SQL Production",
        objects=("sql01", "sql02", "sql03"),
        is_high_priority=True,
        failed_runs=1,
        guest="EXAMPLE\\svc-vss",
    ),
    JobSeed("SQL Production Logs", at=None, objects=("sql01", "sql02"), every_hours=6, failure_rate=0.3),
    JobSeed("SQL", at="20:30", objects=("sqltest01",), failure_rate=0.05),
    JobSeed("Oracle ERP", at="23:00", objects=("ora01", "ora02"), repository=1, failed_runs=1, retries=1),
    JobSeed("Oracle ERP archive", after="Oracle ERP", at=None, objects=("ora-arch01",), repository=3),
    JobSeed("Web tier", at="21:00", objects=("web01", "web02", "web03", "web04")),
    JobSeed(
        "Web tier (DMZ)",
        after="Web tier",
        at=None,
        objects=("dmz-proxy01", "dmz-web01"),
        failed_runs=1,
    ),
    JobSeed("Exchange DAG", at="19:30", objects=("exch01", "exch02", "exch03"), warning_rate=0.7),
    JobSeed(
        "File servers", at="18:30", objects=("fs01", "fs02", "fs03", "fs04", "fs05", "fs06"), repository=1
    ),
    JobSeed("Domain controllers", at="01:00", objects=("dc01", "dc02"), is_high_priority=True),
    JobSeed("SharePoint", at="02:00", objects=("sp-app01", "sp-sql01"), failed_runs=1, retries=0),
    JobSeed("Linux backup job", at="19:00", objects=("lnx01", "lnx02", "lnx03"), repository=6),
    JobSeed("Kubernetes nodes", at="03:00", objects=("k8s-01", "k8s-02", "k8s-03"), is_running=True),
    JobSeed("VDI golden images", at=None, objects=("vdi-gold01",), has_run=False),
    JobSeed(
        "Test & Dev", at="04:00", objects=("dev01", "dev02", "test01"), is_disabled=True, failure_rate=0.3
    ),
    JobSeed("Legacy ERP (read only)", at="05:00", objects=("erp-old",), is_disabled=True),
    JobSeed("Decommissioned 2019", at="06:00", objects=("w2k8-01",), is_disabled=True, has_run=False),
    JobSeed("Monthly archive", at=None, objects=("arch01", "arch02"), repository=4),
    JobSeed("New customer onboarding", at="22:30", objects=("cust01",), has_run=False),
    JobSeed("DR replica web", "VSphereReplica", "00:30", ("web01", "web02"), failed_runs=1, retries=1),
    JobSeed("DR replica SQL", "VSphereReplica", "00:45", ("sql01",), failure_rate=0.1),
    JobSeed("Hyper-V cluster 1", "HyperVBackup", "21:30", ("hv-app01", "hv-app02"), repository=1),
    JobSeed("Hyper-V branch tools", "HyperVBackup", "21:45", ("hv-tools01",), warning_rate=0.5),
    JobSeed("vCloud tenants", "CloudDirectorBackup", "22:15", ("tenant-a-vm1", "tenant-b-vm1")),
    JobSeed(
        "Windows servers (agent)",
        "WindowsAgentBackup",
        "20:00",
        ("phys-win01", "phys-win02"),
        failed_runs=6,
        retries=0,
    ),
    JobSeed("Linux servers (agent)", "LinuxAgentBackup", "20:15", ("phys-lnx01", "phys-lnx02")),
    JobSeed("Oracle RAC nodes (agent)", "LinuxAgentBackup", "20:45", ("rac01", "rac02"), is_running=True),
    JobSeed("Entra ID tenant", "EntraIDTenantBackup", "06:30", ("example.onmicrosoft.com",)),
    JobSeed("Entra ID audit logs", "EntraIDAuditLogBackup", "06:45", ("example.onmicrosoft.com",)),
    JobSeed(
        "Entra ID tenant copy",
        "EntraIDTenantBackupCopy",
        None,
        ("example.onmicrosoft.com",),
        source="Entra ID tenant",
    ),
    JobSeed(
        "NAS share copy",
        "FileBackupCopy",
        None,
        ("nas01",),
        source="File servers",
        failed_runs=2,
    ),
    JobSeed("Copy to DR site", "BackupCopy", None, ("web01", "web02"), source="Web tier", repository=2),
    JobSeed(
        "Copy SQL to vault", "BackupCopy", None, ("sql01", "sql02"), source="SQL Production", repository=4
    ),
    JobSeed(
        "Copy weekly to tape gateway",
        "BackupCopy",
        "07:00",
        ("fs01", "fs02"),
        source="File servers",
        mode="Periodic",
    ),
    JobSeed("Old copy job", "LegacyBackupCopy", "08:00", ("web01",), failure_rate=0.1),
    JobSeed("Proxmox cluster", "Unknown", "23:30", ("pve-vm100", "pve-vm101"), failed_runs=1, retries=1),
    JobSeed("Nutanix AHV", "Unknown", "23:45", ("ahv-01",)),
    JobSeed("<!channel> nightly", at="23:15", objects=("odd01",), failed_runs=1, retries=0),
    JobSeed("*bold* _it_ ~strike~", at="23:20", objects=("odd02",), failed_runs=1, retries=2),
    JobSeed("`code` and ```fence```", at="23:25", objects=("odd03",)),
    JobSeed("\N{FIRE} Hot standby \N{ROCKET}", at="00:10", objects=("odd04",)),
    JobSeed(_LONG_NAME, at="00:20", objects=("sap01", "sap02"), failed_runs=2, retries=1),
    JobSeed(
        'The "quoted" job \N{LEFT DOUBLE QUOTATION MARK}curly\N{RIGHT DOUBLE QUOTATION MARK}',
        objects=("odd05",),
    ),
    JobSeed("O'Brien's laptop", "WindowsAgentBackup", "12:00", ("obrien-nb",), failed_runs=5, retries=0),
    JobSeed("  blanks around  ", at="01:30", objects=("odd06",)),
    JobSeed("evil \N{RIGHT-TO-LEFT OVERRIDE}gpj.exe", at="01:40", objects=("odd07",), failure_rate=0.3),
    JobSeed("<https://evil.example.com|Click> & <@U0ADMIN>", at="01:50", objects=("odd08",)),
    JobSeed(
        "\N{CJK UNIFIED IDEOGRAPH-6771}\N{CJK UNIFIED IDEOGRAPH-4EAC} "
        "\N{LATIN SMALL LETTER U WITH DIAERESIS}mlaut",
        at="02:30",
        objects=("tokyo01",),
    ),
)

HQ = Site(
    name="hq",
    utc_offset_hours=2,
    repositories=(
        RepositoryFacts(
            "Default Backup Repository", "WinLocal", 20480.0, 6302.7, "vbr01.hq.example.com", "C:\\Backup"
        ),
        RepositoryFacts(
            "Windows repo 02", "WinLocal", 10240.0, 412.3, "repo02.hq.example.com", "D:\\Backups"
        ),
        RepositoryFacts(
            "DR site repository", "LinuxLocal", 30720.0, 15008.0, "dr-repo01.example.com", "/backups"
        ),
        RepositoryFacts(
            "Hardened repository 01", "LinuxHardened", 40960.0, 1177.2, "hard01.hq.example.com", "/mnt/xfs"
        ),
        RepositoryFacts("Veeam vault bucket", "S3Compatible", 0.0, 0.0),
        RepositoryFacts(
            "Old NAS", "LinuxLocal", 8192.0, 90.4, "nas-old.hq.example.com", "/export", is_online=False
        ),
    ),
    proxies=(
        ("proxy01.hq.example.com", "ViProxy"),
        ("proxy02.hq.example.com", "ViProxy"),
        ("hv-proxy01.hq.example.com", "HvProxy"),
        ("gp-proxy01.hq.example.com", "GeneralPurposeProxy"),
    ),
    jobs=_HQ_JOBS,
    people=("EXAMPLE\\ana", "EXAMPLE\\boris", ".\\veeamadmin"),
    groups=(
        GroupSeed("Physical servers", ("phys-win01", "phys-win02")),
        GroupSeed("Linux servers", ("phys-lnx01", "phys-lnx02", "rac01", "rac02"), "LinuxComputer"),
        GroupSeed("Laptops", ("obrien-nb", "ana-nb")),
        GroupSeed("Empty group", ()),
    ),
    credentials=(
        ("EXAMPLE\\svc-vss", "Standard", "Application-aware processing"),
        ("EXAMPLE\\svc-sql", "Standard", "SQL Server and Exchange"),
        ("EXAMPLE\\administrator", "Standard", "Domain administrator"),
        ("EXAMPLE\\gmsa-veeam$", "ManagedService", "Group managed service account"),
        ("root", "Linux", "Linux hosts"),
        ("oracle", "Linux", "Oracle databases"),
        ("svc-k8s", "Linux", ""),
    ),
    machines_elsewhere=("dc02", "dr-mon01", "dr-test01"),
    scale_out_repositories=(
        ScaleOutSeed(
            "Scale-out pool",
            (
                RepositoryFacts(
                    "Pool extent 01", "LinuxLocal", 51200.0, 20480.0, "pool01.hq.example.com", "/pool"
                ),
                RepositoryFacts(
                    "Pool extent 02", "LinuxLocal", 51200.0, 15360.0, "pool02.hq.example.com", "/pool"
                ),
            ),
        ),
    ),
)

_BRANCH_JOBS = (
    JobSeed("Branch file server", at="20:00", objects=("br-fs01",), failed_runs=1, retries=2),
    JobSeed("Branch domain controller", at="20:30", objects=("br-dc01",), is_running=True),
    JobSeed(
        "Branch ERP", at="21:00", objects=("br-erp01", "br-erp02"), failure_rate=0.2, is_high_priority=True
    ),
    JobSeed("Branch ERP copy", "BackupCopy", None, ("br-erp01",), source="Branch ERP"),
    JobSeed("SQL Production", at="22:00", objects=("br-sql01",), failure_rate=0.3),
    JobSeed("Web tier", at="22:30", objects=("br-web01",)),
    JobSeed(
        "Till systems",
        "WindowsAgentBackup",
        "23:00",
        ("till01", "till02", "till03"),
        failed_runs=2,
        retries=0,
    ),
    JobSeed("Warehouse scanners", "LinuxAgentBackup", "23:30", ("scan01",), is_disabled=True),
    JobSeed("Hyper-V branch", "HyperVBackup", "00:00", ("br-hv01", "br-hv02"), warning_rate=0.4),
    JobSeed("Replica to HQ", "VSphereReplica", "01:00", ("br-erp01",), failure_rate=0.3),
    JobSeed("Camera archive", at=None, objects=("nvr01",), has_run=False),
    JobSeed("Proxmox lab", "ProxmoxBackupJob", "02:00", ("pve01",)),
    JobSeed("Branch shares", "FileBackup", "18:00", ("\\\\br-nas01\\projects", "br-nas02:/export/home")),
    JobSeed("Branch laptops", "WindowsAgentBackupWorkstationPolicy", "12:30", ("br-nb01", "br-nb02")),
    JobSeed("Invoices bucket", "ObjectStorageBackup", "19:00", ("s3.branch.example.com/invoices",)),
)

BRANCH = Site(
    name="branch",
    utc_offset_hours=-5,
    repositories=(
        RepositoryFacts(
            "Default Backup Repository", "WinLocal", 4096.0, 1830.1, "vbr01.branch.example.com", "D:\\Backup"
        ),
        RepositoryFacts("USB rotation", "WinLocal", 2048.0, 61.5, "vbr01.branch.example.com", "E:\\Backup"),
    ),
    proxies=(("vbr01.branch.example.com", "ViProxy"),),
    jobs=_BRANCH_JOBS,
    people=("EXAMPLE\\chen", ".\\veeamadmin"),
    groups=(
        GroupSeed("Tills", ("till01", "till02", "till03")),
        GroupSeed("Warehouse", ("scan01",), "LinuxComputer"),
        GroupSeed("Laptops", ("br-nb01", "br-nb02")),
    ),
    credentials=(
        ("EXAMPLE\\svc-vss", "Standard", "Application-aware processing"),
        ("root", "Linux", "Warehouse"),
    ),
)

SITES = {site.name: site for site in (HQ, BRANCH)}
