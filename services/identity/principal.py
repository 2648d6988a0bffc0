"""Who is calling, whichever door they came through, and what they may: roles and scopes are read here alone.

| caller | may |
|---|---|
| a user (a JWT) | what is theirs: read, pay, cancel and follow their own orders |
| a merchant (the same with the role `merchant`) | everything of this shop, but never a customer's client secret |
| a service key (`pgk_…`) | what its scopes say, and never a customer's client secret |
| a checkout token (`pgc_…`) | read, pay, cancel and follow the one order that it was made for |
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

MERCHANT = "merchant"
KEY, CHECKOUT, OPERATOR = "key:", "checkout:", "operator:"  # how the ids of those begin who are no users
_RESERVED = (KEY, CHECKOUT, OPERATOR)


class Permission(StrEnum):
    """What needs more than being the order's owner; the words complete "this caller may not …"."""

    READ_ORDERS = "read the orders of others"
    LIST_ORDERS = "list everybody's orders"
    SEE_SHOP_FIELDS = "see what only the shop sees of an order"
    WRITE_ORDERS = "import or change orders, or give checkout tokens"
    CANCEL_ORDERS = "cancel the orders of others"
    PAY_ORDERS = "pay the orders of others"
    REFUND = "refund"
    DECIDE = "decide what needs a person"
    WRITE_PRODUCTS = "change the catalogue"
    READ_EVENTS = "read the shop's events"
    WRITE_WEBHOOKS = "change webhook endpoints"
    WRITE_KEYS = "create or revoke service keys"


class Scope(StrEnum):
    """What a service key may do. The words are the schema's."""

    ORDERS_READ = "orders_read"
    ORDERS_WRITE = "orders_write"
    REFUNDS_WRITE = "refunds_write"
    PRODUCTS_WRITE = "products_write"
    EVENTS_READ = "events_read"
    WEBHOOKS_WRITE = "webhooks_write"
    KEYS_WRITE = "keys_write"


OF_A_SCOPE = {
    Scope.ORDERS_READ: {Permission.READ_ORDERS, Permission.LIST_ORDERS, Permission.SEE_SHOP_FIELDS},
    Scope.ORDERS_WRITE: {Permission.READ_ORDERS, Permission.WRITE_ORDERS, Permission.CANCEL_ORDERS},
    Scope.REFUNDS_WRITE: {Permission.REFUND, Permission.DECIDE},
    Scope.PRODUCTS_WRITE: {Permission.WRITE_PRODUCTS},
    Scope.EVENTS_READ: {Permission.READ_EVENTS},
    Scope.WEBHOOKS_WRITE: {Permission.WRITE_WEBHOOKS},
    Scope.KEYS_WRITE: {Permission.WRITE_KEYS},
}
# A merchant gets no client secret either: its holder could pay, or read the customer's payment details.
OF_A_MERCHANT = frozenset(Permission) - {Permission.PAY_ORDERS}
OF_A_CHECKOUT_TOKEN = frozenset({Permission.READ_ORDERS, Permission.PAY_ORDERS, Permission.CANCEL_ORDERS})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, until `expires_at` (seconds since 1970).

    `id` is unique among all kinds of callers, for limits, logs and whatever tells who did something; for a user it is
    their own id, which owns orders and is never `is_reserved`.
    A checkout token is for `order_id` alone.
    """

    id: str
    email: str | None = None
    roles: frozenset[str] = frozenset()
    expires_at: float = field(default=math.inf, compare=False)
    scopes: frozenset[Scope] = frozenset()
    key_id: UUID | None = None
    order_id: UUID | None = None
    token_hash: bytes | None = field(default=None, compare=False, repr=False)  # of a checkout token

    @property
    def is_user(self) -> bool:
        return self.key_id is None and self.order_id is None

    @property
    def user_id(self) -> str | None:
        """The id that owns orders; None for a service key or a checkout token."""
        return self.id if self.is_user else None

    @property
    def is_merchant(self) -> bool:
        return self.is_user and MERCHANT in self.roles

    def may(self, permission: Permission, order_id: UUID | None = None) -> bool:
        """Whether the caller may do this, to this order where it is about one, without being its owner."""
        if self.order_id is not None:
            return order_id == self.order_id and permission in OF_A_CHECKOUT_TOKEN
        if self.key_id is not None:
            return any(permission in OF_A_SCOPE[scope] for scope in self.scopes)
        return self.is_merchant and permission in OF_A_MERCHANT


def is_reserved(user_id: str) -> bool:
    """Whether a user of this name would be taken for a caller of another kind, in tables, logs and limits."""
    return user_id.strip().lower().startswith(_RESERVED)


def service_key_principal(key_id: UUID, scopes: frozenset[Scope], expires_at: float) -> Principal:
    return Principal(f"{KEY}{key_id}", scopes=scopes, key_id=key_id, expires_at=expires_at)


def checkout_principal(order_id: UUID, expires_at: float, token_hash: bytes) -> Principal:
    """All tokens of one order are one caller: they share its limits."""
    name = f"{CHECKOUT}{order_id}"
    return Principal(name, order_id=order_id, expires_at=expires_at, token_hash=token_hash)
