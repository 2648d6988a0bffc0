"""Who sees what only the shop sees of an order: no customer, and no holder of a checkout token.

The sentences stand in descriptions, for those whom the functions refuse.
"""

from graph.context import Info
from services.identity.principal import Permission

NO_READERS = "everybody but merchants and service keys with ORDERS_READ or ORDERS_WRITE"
NO_STAFF = "everybody but merchants and service keys with ORDERS_READ or REFUNDS_WRITE"


def may_read_any_order(info: Info) -> bool:
    """What came with the order, such as its customer's address."""
    return info.context.require_principal().may(Permission.READ_ORDERS)


def may_see_shop_notes(info: Info) -> bool:
    """What staff wrote beside its money, and who did it."""
    principal = info.context.require_principal()
    return principal.may(Permission.SEE_SHOP_FIELDS) or principal.may(Permission.REFUND)
