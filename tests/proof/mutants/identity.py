"""Deliberate bugs of who is calling: keys that were revoked, tokens of other orders, and whose deed it was."""

from tests.proof.mutants.mutant import Change, Mutant

DOORS = ("tests/proof/test_keys_and_tokens.py",)
OF_KEYS = ("tests/integration/identity/test_service_keys.py",)
KEYS = "services/identity/service_keys.py"
PRINCIPAL = "services/identity/principal.py"
STATEMENTS = "models/keys/statements.py"

MUTANTS = (
    Mutant(
        "a key that was revoked on another server is believed for ever",
        (
            Change(
                KEYS,
                "        hashed = hash_of(token)\n        await self._refresh(FRESH_SECONDS)\n",
                "        hashed = hash_of(token)\n",
            ),
        ),
        OF_KEYS,
    ),
    Mutant(
        "a revoked key is one of the live ones",
        (Change(STATEMENTS, "    col(ServiceKey.revoked_at).is_(None),\n    or_(", "    or_("),),
        DOORS,
    ),
    Mutant(
        "a key may do what another scope says",
        (
            Change(
                PRINCIPAL,
                "    Scope.ORDERS_WRITE: {Permission.READ_ORDERS,",
                "    Scope.ORDERS_WRITE: {Permission.REFUND, Permission.READ_EVENTS, Permission.READ_ORDERS,",
            ),
        ),
        DOORS,
    ),
    Mutant(
        "a key gets a customer's secret",
        (
            Change(
                PRINCIPAL,
                "            return any(permission in OF_A_SCOPE[scope] for scope in self.scopes)\n",
                "            return permission is Permission.PAY_ORDERS or any(\n"
                "                permission in OF_A_SCOPE[scope] for scope in self.scopes\n"
                "            )\n",
            ),
        ),
        DOORS,
    ),
    Mutant(
        "a checkout token opens other orders",
        (
            Change(
                PRINCIPAL,
                "            return order_id == self.order_id and permission in OF_A_CHECKOUT_TOKEN\n",
                "            return order_id is not None and permission in OF_A_CHECKOUT_TOKEN\n",
            ),
        ),
        DOORS,
    ),
    Mutant(
        "a checkout token outlives its order",
        (
            Change(
                STATEMENTS,
                "        col(CheckoutToken.expires_at) > func.now(),\n        _opens,\n",
                "        col(CheckoutToken.expires_at) > func.now(),\n",
            ),
        ),
        DOORS,
    ),
    Mutant(
        "a checkout token lives again when its order is refunded",
        (
            Change(
                STATEMENTS,
                '    _ended_at > func.now() - bindparam("after_end", type_=Interval),\n',
                '    col(Order.updated_at) > func.now() - bindparam("after_end", type_=Interval),\n',
            ),
        ),
        DOORS,
    ),
    Mutant(
        "a checkout token outlives its time",
        (
            Change(
                STATEMENTS,
                "        col(CheckoutToken.expires_at) > func.now(),\n        _opens,\n",
                "        _opens,\n",
            ),
        ),
        DOORS,
    ),
    Mutant(
        "a checkout token that was recognized once is believed for ever",
        (
            Change(
                "services/identity/checkout_tokens.py",
                "        if known is not None and self._now() < until:\n",
                "        if known is not None:\n",
            ),
        ),
        DOORS,
    ),
    Mutant(
        "a refund is recorded under another name",
        (
            Change(
                "graph/types/cancellations_and_refunds.py",
                "            requested_by=principal.id,\n",
                '            requested_by="merchant",\n',
            ),
        ),
        DOORS,
    ),
    Mutant(
        "a guest's cancellation is recorded as the shop's",
        (
            Change(
                "services/payments/order_cancellation.py",
                "is_customer = principal.order_id is not None or principal.user_id",
                "is_customer = principal.user_id",
            ),
        ),
        DOORS,
    ),
    Mutant(
        "a key makes one that may do more",
        (
            Change(
                KEYS,
                "        check_not_more_than(by, scopes, expires_at)\n",
                "",
            ),
        ),
        OF_KEYS,
    ),
)
