"""What does not need the database or Stripe: this machine's disk, and the issuer's keys."""

import shutil
from pathlib import Path

from services.identity.public_keys import JwksKeys
from services.operations.doctor.findings import Finding, ok, warning, wrong

MB, GB = 2**20, 2**30
LEAST_FREE, FEW_FREE = 100 * MB, GB  # bytes


def examine_disk(folder: Path) -> Finding:
    disk = shutil.disk_usage(folder)
    return judge_disk(folder, disk.total, disk.free)


def judge_disk(folder: Path, total: int, free: int) -> Finding:
    """Bytes. A filesystem that was made for this folder alone may be small: 16 MB hold the metrics of some workers."""
    told = f"{free / GB:.1f} GB" if free >= GB else f"{free // MB} MB"
    told = f"{told} free at {folder}"
    if free < min(LEAST_FREE, total // 4):
        return wrong("disk", told, "free some: workers keep their metrics there")
    if free < min(FEW_FREE, total // 2):
        return warning("disk", told, "free some soon")
    return ok("disk", told)


async def examine_keys(keys: JwksKeys | None) -> list[Finding]:
    """The public keys of the issuer; nothing where secrets alone sign the tokens."""
    if keys is None:
        return []
    await keys.refresh()
    if keys.failure is not None:
        advice = "check JWT_JWKS_URL; nobody can sign in"
        return [wrong("issuer's keys", f"they can't be read ({keys.failure})", advice)]
    if not keys.count:
        return [
            wrong("issuer's keys", "none of them can verify a token", "check JWT_JWKS_URL and JWT_ALGORITHMS")
        ]
    return [ok("issuer's keys", f"{keys.count} can verify tokens")]
