"""Who may do what: the one table of roles and scopes, and the form of the tokens that are only ours."""

import binascii
import itertools
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keys.tables import SCOPES
from runtime.logs import without_secrets
from services.identity.opaque_tokens import (
    CHECKOUT_TOKEN,
    SERVICE_KEY,
    hash_of,
    is_well_formed,
    new_token,
    prefix_of,
)
from services.identity.principal import (
    OF_A_SCOPE,
    Permission,
    Principal,
    Scope,
    checkout_principal,
    is_reserved,
    service_key_principal,
)
from services.identity.service_keys import AT_THE_COMMAND_LINE

ORDER, OTHER = UUID(int=1), UUID(int=2)
CUSTOMER = Principal("ada")
MERCHANT = Principal("shopkeeper", roles=frozenset({"merchant"}))
GUEST = checkout_principal(ORDER, 1.0, b"hash")


def key(*scopes: Scope) -> Principal:
    return service_key_principal(UUID(int=9), frozenset(scopes), 1.0)


@pytest.mark.parametrize("permission", Permission)
def test_a_customer_may_nothing_to_what_is_not_theirs(permission: Permission) -> None:
    assert not CUSTOMER.may(permission)
    assert not CUSTOMER.may(permission, ORDER)
    assert not Principal("ada", roles=frozenset({"not merchant", "Merchant", "admin"})).may(permission)


def test_a_merchant_may_everything_but_pay_for_others() -> None:
    assert {permission for permission in Permission if not MERCHANT.may(permission, ORDER)} == {
        Permission.PAY_ORDERS
    }


def test_no_set_of_scopes_gives_a_client_secret() -> None:
    assert not key(*Scope).may(Permission.PAY_ORDERS, ORDER)
    assert {permission for permission in Permission if not key(*Scope).may(permission)} == {
        Permission.PAY_ORDERS
    }


@pytest.mark.parametrize("scope", Scope)
def test_a_key_may_what_its_scope_says_and_no_more(scope: Scope) -> None:
    allowed = {permission for permission in Permission if key(scope).may(permission, ORDER)}
    assert allowed == OF_A_SCOPE[scope]
    assert not any(key().may(permission) for permission in Permission)


def test_a_checkout_token_may_read_pay_and_cancel_its_order_and_nothing_else() -> None:
    allowed = {
        (permission, order)
        for permission, order in itertools.product(Permission, (ORDER, OTHER, None))
        if GUEST.may(permission, order)
    }
    assert allowed == {
        (Permission.READ_ORDERS, ORDER),
        (Permission.PAY_ORDERS, ORDER),
        (Permission.CANCEL_ORDERS, ORDER),
    }


def test_only_a_user_owns_orders() -> None:
    assert CUSTOMER.user_id == "ada"
    assert (key(Scope.ORDERS_READ).user_id, GUEST.user_id) == (None, None)
    pretender = service_key_principal(UUID(int=9), frozenset(), 1.0)
    assert not pretender.is_merchant


def test_no_user_is_named_like_a_caller_of_another_kind() -> None:
    for other in (key(), GUEST, AT_THE_COMMAND_LINE):
        assert is_reserved(other.id)
    for user_id in ("ada", "auth0|5f", "keyholder", "operator", "checkout", "urn:key:1"):
        assert not is_reserved(user_id)


def test_the_database_knows_the_same_scopes() -> None:
    assert tuple(scope.value for scope in Scope) == SCOPES
    assert tuple(name.lower() for name in Scope.__members__) == SCOPES


@pytest.mark.parametrize("prefix", [SERVICE_KEY, CHECKOUT_TOKEN])
def test_a_token_has_a_prefix_a_checksum_and_is_struck_out_of_logs(prefix: str) -> None:
    made = {new_token(prefix) for _ in range(50)}
    assert len(made) == 50
    for token in made:
        assert prefix_of(token) == prefix
        assert is_well_formed(token)
        assert len(hash_of(token)) == 32
        assert without_secrets(f"refused {token}, sorry") == "refused [secret], sorry"


@given(st.integers(4, 39), st.sampled_from("0Zz9aB-_é"))
def test_a_mistyped_token_is_told_by_its_checksum(place: int, typed: str) -> None:
    token = "pgk_0123456789abcdefghijABCDEFGHIJ"
    whole = token + _tail(token)
    mistyped = whole[:place] + typed + whole[place + 1 :]
    assert is_well_formed(whole)
    assert is_well_formed(mistyped) == (mistyped == whole)


def _tail(body: str) -> str:
    """The checksum, computed in another way than the code does: CRC-32 as six digits of base 62."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = binascii.crc32(body.encode())
    return "".join(digits[number // 62**power % 62] for power in range(5, -1, -1))


@given(st.text() | st.text("pgkc_0123456789abcXYZ", min_size=30, max_size=44))
def test_no_text_raises(text: str) -> None:
    prefix_of(text)
    is_well_formed(text)
