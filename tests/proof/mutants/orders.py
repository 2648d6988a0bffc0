"""Deliberate bugs in orders: their changes, cancellation, expiry and what customers read of them."""

from tests.proof.mutants.files import (
    ALL_ORDERS,
    CANCEL,
    EXPIRY,
    FEDERATION,
    IMPORT,
    LOST_COMMITS,
    MOMENTS,
    PLACE,
    RELEASE,
    REVIEW,
    UPDATE,
    UPDATE_AND_SQL,
)
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "an item that leaves an order without a trace in its version",
        (
            Change(
                "models/migrations/versions/0005_every_change_of_items_counts.py",
                "SELECT order_id FROM before UNION SELECT order_id FROM changed",
                "SELECT order_id FROM changed",
            ),
        ),
        (
            f"{RELEASE}::test_a_secret_of_the_old_amount_is_not_released_when_the_total_changed_during_the_call",
        ),
    ),
    Mutant(
        "an order canceled and its intent left payable",
        (
            Change(
                "services/payments/order_cancellation.py",
                "        await self._close_intent(live)\n        return True\n",
                "        return True\n",
            ),
        ),
        (f"{CANCEL}::test_the_intent_is_canceled_with_its_order",),
    ),
    Mutant(
        "money that waits and an order that can be paid",
        (
            Change("services/payments/claims.py", "        if self.has_money:", "        if False:"),
            Change("models/payments/statements.py", "            ~_order.c.has_money,\n", ""),
        ),
        (f"{REVIEW}::test_money_that_waits_keeps_its_order_unpayable_whatever_somebody_sets_its_status_to",),
    ),
    Mutant(
        "the shop's own words told to a customer",
        (
            Change(
                "graph/types/money_history.py",
                "return self.view.note if may_see_shop_notes(info) else None",
                "return self.view.note",
            ),
        ),
        (f"{REVIEW}::test_a_customer_reads_only_what_was_written_for_them",),
    ),
    Mutant(
        "an order that expires before its intent",
        (
            Change(
                "services/payments/order_cancellation.py",
                "        if live is not None and live.intent_id is not None:\n"
                "            if not await self._is_unpaid(live.intent_id):\n",
                "        if live is not None and live.intent_id is not None:\n            if False:\n",
            ),
        ),
        (f"{EXPIRY}::test_a_payment_that_came_first_wins",),
    ),
    Mutant(
        "a change that is staged before its turn at Stripe",
        (Change("services/payments/order_changes.py", "    if call == turn_for:\n", "    if call:\n"),),
        (f"{UPDATE}::test_a_change_that_stripe_has_no_time_for_is_refused_before_anything_is_staged",),
    ),
    Mutant(
        "a staged change that is made over a newer one by SQL",
        (
            Change(
                "services/payments/staged_changes.py",
                "order.status == OrderStatus.PENDING and order.version == staged.from_version",
                "order.status == OrderStatus.PENDING",
            ),
        ),
        (f"{UPDATE_AND_SQL}::test_money_for_a_staged_change_does_not_undo_a_newer_price",),
    ),
    Mutant(
        "a staged change that is made by money of another currency",
        (
            Change(
                "services/payments/staged_changes.py",
                "at_stripe == AtStripe(staged.total, order.currency)",
                "at_stripe.amount == staged.total",
            ),
        ),
        (f"{UPDATE_AND_SQL}::test_money_for_a_staged_change_does_not_pay_an_order_in_another_currency",),
    ),
    Mutant(
        "an outdated change sent to Stripe over the newer price",
        (
            Change(
                "services/payments/order_changes.py", "        if staged.is_outdated:", "        if False:"
            ),
        ),
        (f"{UPDATE_AND_SQL}::test_the_order_is_payable_at_its_newest_price_and_stays_so",),
    ),
    Mutant(
        "a moment that Python does not have, which no statement may answer",
        (Change("runtime/database/connections.py", "        read_any_moment(session)\n", ""),),
        (f"{MOMENTS}::test_a_key_that_never_ends_opens_and_keeps_no_other_from_opening",),
    ),
    Mutant(
        "expired orders that are looked for from 1970 on",
        (Change("services/payments/order_expiry.py", '"-infinity"', '"1970-01-01 00:00Z"'),),
        (f"{MOMENTS}::test_an_order_that_expired_before_all_time_is_read_and_canceled",),
    ),
    Mutant(
        "entities of a federation for whoever names them",
        (
            Change(
                "services/orders/orders.py",
                "may_any = principal.may(Permission.READ_ORDERS, principal.order_id)",
                "may_any = True",
            ),
        ),
        (f"{FEDERATION}::test_what_the_caller_may_not_see_looks_like_what_is_not_there",),
    ),
    Mutant(
        "every order of the shop for the checkout token of one",
        (
            Change(
                "models/orders/statements.py",
                "and_(_may_read, or_(_only.is_(None), col(Order.id) == _only))",
                "and_(_may_read, or_(_only.is_(None), _only.is_not(None)))",
            ),
        ),
        (f"{IMPORT}::test_a_checkout_token_finds_its_order_by_the_shops_number_and_no_other",),
    ),
    Mutant(
        "an order whose COMMIT was not answered is placed a second time",
        (
            Change(
                "services/orders/orders.py",
                '"id": order_id,\n                "user_id": user_id,',
                '"id": uuid4(),\n                "user_id": user_id,',
            ),
        ),
        (f"{LOST_COMMITS}::test_an_order_is_placed_once",),
    ),
    Mutant(
        "a filter for nobody that lets everybody's orders through",
        (
            Change(
                "graph/types/shop_orders.py",
                "    return None if value is UNSET else value\n",
                "    return value or None\n",
            ),
        ),
        (f"{ALL_ORDERS}::test_what_no_order_can_have_finds_none",),
    ),
    Mutant(
        "an order told by lines that the shop has changed since",
        (
            Change(
                "services/orders/orders.py",
                "    if placed_as is None:\n        same_items",
                "    if placed_as is None or order.lines:\n        same_items",
            ),
        ),
        (f"{PLACE}::test_the_same_key_gives_the_same_order_after_the_shop_changed_its_lines",),
    ),
)
