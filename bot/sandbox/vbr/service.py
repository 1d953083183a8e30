"""The service itself: log-in and log-out, its time, its identity, its certificate."""

from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

from bot.sandbox.vbr.call import Operation, Reply, RestCall
from bot.sandbox.vbr.refusals import Refusal, dead_token
from bot.sandbox.vbr.wire import wire_time

_PLACES = {
    "+00": "Coordinated Universal Time",
    "+01": "Belgrade, Bratislava, Budapest, Ljubljana, Prague",
    "+02": "Athens, Bucharest",
    "-05": "Eastern Time (US & Canada)",
}


def grant_token(call: RestCall) -> Reply:
    """POST /api/oauth2/token: form-encoded only. Times in it are the server's and not to be computed with."""
    call.demand_form()
    has_custom_roles = bool(call.revision.permissions.open_to_custom_roles)
    pair = call.accounts.grant(call.form, lets_custom_roles_in=has_custom_roles)
    zone = call.world.zone
    return Reply(
        200,
        {
            "access_token": pair.access_token,
            "token_type": "bearer",
            "refresh_token": pair.refresh_token,
            "expires_in": int((pair.access_until - pair.issued_at).total_seconds()),
            ".issued": wire_time(call.world.now(), zone, 0),
            ".expires": wire_time(call.world.now() + (pair.access_until - pair.issued_at), zone, 0),
        },
    )


def log_out(call: RestCall) -> Reply:
    """POST /api/oauth2/logout: both tokens are dead afterwards."""
    if call.token is None:
        raise dead_token()
    call.accounts.log_out(call.token)
    return Reply(200, {})


def server_time(call: RestCall) -> Reply:
    """GET /serverTime: seven fractional digits, and a zone as Windows names it, by its offset in winter."""
    zone = call.world.zone
    local = call.world.now().astimezone(zone)
    winter = timezone((local.utcoffset() or timedelta()) - (local.dst() or timedelta()))
    offset = local.astimezone(winter).strftime("%z")
    told = {
        "serverTime": wire_time(call.world.now(), call.world.zone, 7),
        "timeZone": f"(UTC{offset[:3]}:{offset[3:]}) {_PLACES.get(offset[:3], 'Local Time')}",
    }
    if call.revision.links_retries:
        told["ianaTimeZoneId"] = zone.key if isinstance(zone, ZoneInfo) else "Etc/UTC"
    return Reply(200, told)


def server_info(call: RestCall) -> Reply:
    """GET /serverInfo."""
    info = {
        "platform": "Linux",
        "vbrId": call.world.vbr_id,
        "name": f"{call.world.name}.example.com",
        "buildVersion": call.world.build_version,
        "patches": [],
        "databaseVendor": "PostgreSQL",
        "sqlServerEdition": "",
        "sqlServerVersion": "PostgreSQL 17.5 on x86_64-pc-linux-gnu",
        "databaseSchemaVersion": "9688",
        "databaseContentVersion": "9688",
        "veeamRegistration": {"isRegistered": True, "expirationDate": None},
    }
    return Reply(200, call.revision.written(info, "ServerInfoModel"))


def server_certificate(call: RestCall) -> Reply:
    """GET /serverCertificate: a SHA-1 thumbprint, as the real one has, that no pin can be compared with."""
    since = call.world.now() - timedelta(days=120)
    name = call.world.name
    return Reply(
        200,
        {
            "thumbprint": "86F1769B6E0544E16A6EA1E9E9BC0BB71A8DE900",
            "serialNumber": "7EA755F585E9A717",
            "keyAlgorithm": "RSA",
            "keySize": "2048",
            "subject": f"CN={name}",
            "issuedTo": name,
            "issuedBy": name,
            "validFrom": wire_time(since, call.world.zone, 0),
            "validBy": wire_time(since + timedelta(days=3650), call.world.zone, 0),
            "isTrusted": False,
        },
    )


def api_document(call: RestCall) -> Reply:
    """GET /swagger/v1.3-rev2/swagger.json and the like. The real document has megabytes."""
    name = call.path["document"].removeprefix("v")
    if call.quirks.has_closed_swagger:
        raise Refusal(403, "", "")
    if name not in call.supported_revisions:
        raise Refusal(404, "", "")
    info = {"title": "Veeam Backup & Replication REST API", "version": name}
    return Reply(200, {"openapi": "3.0.1", "info": info})


SERVICE = (
    Operation("POST", "/api/oauth2/token", grant_token, is_open=True),
    Operation("POST", "/api/oauth2/logout", log_out),
    Operation("GET", "/api/v1/serverTime", server_time, is_open=True),
    Operation("GET", "/api/v1/serverInfo", server_info),
    Operation("GET", "/api/v1/serverCertificate", server_certificate, is_open=True),
)

#: What serves the documents of the API is no part of it.
API_DOCUMENT = Operation(
    "GET", "/swagger/{document}/swagger.json", api_document, is_open=True, is_versioned=False
)
