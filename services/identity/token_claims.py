"""Who a token's claims say is calling, once its signature holds (RFC 7519, section 4).

The claims are judged here and not by PyJWT, which reads its own clock, takes a token without `exp`, one of
the year 9999 and an empty or NUL `sub`, and refuses the integer `sub` that some issuers send.
"""

from collections.abc import Mapping
from typing import Any, TypeGuard

from services.identity.principal import Principal, is_reserved
from services.identity.token_rules import TokenRules

_LONGEST_NAME = 255
_LATEST_DATE = 2**53
_SCOPE_CLAIMS = ("scope", "scp")


class InvalidToken(Exception):
    """The token names no caller. `reason` is a slug to log; the text is fit for clients."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The bearer token was refused: {reason.replace('-', ' ')}.")


def check_dates(claims: Mapping[str, Any], rules: TokenRules, now: float) -> float:
    """`exp`, once all dates hold (RFC 7519, 4.1.4 to 4.1.6)."""
    leeway = rules.leeway.total_seconds()
    expiry, issued, not_before = (_date(claims, name) for name in ("exp", "iat", "nbf"))
    if expiry is None:
        raise InvalidToken("missing-expiry")
    if expiry <= now - leeway:
        raise InvalidToken("expired")
    if not_before is not None and not_before > now + leeway:
        raise InvalidToken("not-yet-valid")
    if issued is not None and issued > now + leeway:
        raise InvalidToken("issued-in-the-future")
    if expiry - (now if issued is None else issued) > rules.max_lifetime.total_seconds():
        raise InvalidToken("lifetime-too-long")
    return expiry


def _date(claims: Mapping[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    # A bool is an int to isinstance; "not <=" refuses infinity (1e999 in JSON) and NaN too.
    if type(value) not in (int, float) or not abs(value) <= _LATEST_DATE:
        raise InvalidToken("malformed-date")
    return float(value)


def check_issuer_and_audience(claims: Mapping[str, Any], rules: TokenRules) -> None:
    if rules.issuers and claims.get("iss") not in rules.issuers:
        raise InvalidToken("wrong-issuer")
    if not rules.audiences:
        return
    meant_for = _claim(claims, rules.audience_claim)
    if not any(
        name in rules.audiences for name in (meant_for if isinstance(meant_for, list) else [meant_for])
    ):
        raise InvalidToken("wrong-audience")


def _claim(claims: Mapping[str, Any], name: str) -> object:
    """A claim by its very name (Auth0's are URLs, with dots), else by its path (Keycloak's are nested)."""
    if name in claims:
        return claims[name]
    value: object = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def user_of(claims: Mapping[str, Any], rules: TokenRules) -> Principal:
    user_id = _claim(claims, rules.user_id_claim)
    if user_id is None:
        raise InvalidToken("missing-subject")
    if type(user_id) is int:  # not a bool
        user_id = str(user_id)
    if not is_name(user_id):
        raise InvalidToken("malformed-subject")
    if is_reserved(user_id):
        raise InvalidToken("reserved-subject")
    email = _claim(claims, rules.email_claim)
    return Principal(
        id=user_id,
        email=email if is_name(email) else None,
        roles=frozenset(filter(is_name, _roles(_claim(claims, rules.role_claim), rules.role_claim))),
    )


def _roles(value: object, claim: str) -> list[object]:
    """A role is one text or a list of them. Only a claim of scopes is split, at spaces (RFC 6749, 3.3): "not
    merchant" is one role, and not the merchant's."""
    if isinstance(value, str):
        return [*value.split(" ")] if claim.rpartition(".")[2] in _SCOPE_CLAIMS else [value]
    return value if isinstance(value, list) else []


def is_name(value: object) -> TypeGuard[str]:
    """Text fit to store and log: no NUL, control character or lone surrogate, not blank, not long."""
    return (
        isinstance(value, str)
        and len(value) <= _LONGEST_NAME
        and value.isprintable()
        and not value.isspace()
        and value != ""
    )
