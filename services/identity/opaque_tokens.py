"""Tokens that mean something to this server's database alone: `pgk_…` and `pgc_…`.

A prefix and a checksum let secret scanners find them in code and logs without false alarms, and let a mistyped one be
refused without a question to the database. Only the SHA-256 is kept: 178 random bits need no slower hash.
"""

import hashlib
import re
import secrets
import zlib

SERVICE_KEY, CHECKOUT_TOKEN = "pgk_", "pgc_"  # nosec B105
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARACTERS = 30
_CHECKSUM_CHARACTERS = 6
_FORM = re.compile(rf"(pgk_|pgc_)[0-9A-Za-z]{{{_RANDOM_CHARACTERS + _CHECKSUM_CHARACTERS}}}")


def new_token(prefix: str) -> str:
    body = prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return body + _checksum(body)


def prefix_of(token: str) -> str | None:
    """The prefix, if it looks like one of ours at all; None for a JWT."""
    return next((prefix for prefix in (SERVICE_KEY, CHECKOUT_TOKEN) if token.startswith(prefix)), None)


def is_well_formed(token: str) -> bool:
    return bool(_FORM.fullmatch(token)) and token.endswith(_checksum(token[:-_CHECKSUM_CHARACTERS]))


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _checksum(text: str) -> str:
    """CRC-32 in base 62, as GitHub's tokens have it."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
