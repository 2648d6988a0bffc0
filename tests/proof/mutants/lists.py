"""Deliberate bugs in what the sweep reads of Stripe's lists, and in how it goes around our own tables."""

from tests.proof.mutants.files import ANOTHER, BACK, GOES_ON, LISTS
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "lists read since the installation was made, by a clock that went back since",
        (
            Change(
                "services/reconciliation/list_steps.py",
                "since = now - max(age, timedelta()) - SET_BACK_SINCE - OVERLAP\n",
                "since = now - (age if age > timedelta() else SET_BACK_SINCE) - OVERLAP\n",
            ),
        ),
        (f"{BACK}::test_an_installation_that_seems_younger_than_it_is_has_its_lists_read_from_a_day_before",),
    ),
    Mutant(
        "a page of the intents' list that is done with though its items are not",
        (
            Change(
                "services/reconciliation/list_steps.py",
                "            await step.set_aside([intent.id for intent in unexpected])\n",
                "",
            ),
        ),
        (
            f"{LISTS}::test_payments_behind_the_end_of_a_budget_are_recovered_by_later_sweeps",
            f"{LISTS}::test_one_refused_call_leaves_no_given_up_intent_payable",
        ),
    ),
    Mutant(
        "refunds and disputes that are asked for once, when a payment is recovered",
        (
            Change(
                "services/reconciliation/recovery.py",
                "        if intent.status is IntentStatus.SUCCEEDED:\n            await self._refresh_what_followed",
                "        if intent.status is IntentStatus.SUCCEEDED and not known:\n"
                "            await self._refresh_what_followed",
            ),
        ),
        (
            f"{LISTS}::test_a_refund_or_dispute_that_came_before_its_payment_had_its_intent",
            f"{LISTS}::test_what_followed_an_older_payment_is_heard_though_its_recovery_was_cut_off",
        ),
    ),
    Mutant(
        "an event of ours finished since another account's key knows nothing of it",
        (
            Change(
                "services/reconciliation/inbox.py",
                "        return is_ours is not None or await self._account.is_another()",
                "        return is_ours is None and await self._account.is_another()",
            ),
        ),
        (f"{ANOTHER}::test_events_that_came_while_the_key_was_of_another_account",),
    ),
    Mutant(
        "another account's lists taken for ours",
        (
            Change(
                "services/reconciliation/sweep.py",
                "            if each.own_account and await self._account.is_another():",
                "            if False:",
            ),
        ),
        (f"{ANOTHER}::test_events_that_came_while_the_key_was_of_another_account",),
    ),
    Mutant(
        "an owed refund ended since another account knows nothing of its payment",
        (
            Change(
                "services/payments/refunds.py",
                "            elif is_missing(error):  # the key",
                "            elif False:  # the key",
            ),
        ),
        (f"{ANOTHER}::test_owed_money_goes_back_when_the_right_key_is_back",),
    ),
    Mutant(
        "any refusal of Stripe's taken for another account's",
        (
            Change(
                "services/reconciliation/inbox.py",
                "        if not is_missing(error):\n            return type(error).__name__\n",
                "",
            ),
        ),
        (f"{LISTS}::test_a_refused_look_at_an_events_object_is_no_end_of_the_event",),
    ),
    Mutant(
        "money of ours without an order forgotten when its event comes",
        (
            Change(
                "services/reconciliation/inbox.py",
                "            await self._recovery.recover(intent, cause=cause)",
                "            await self._settlement.apply(intent, cause=cause)",
            ),
        ),
        (f"{LISTS}::test_money_without_an_order_is_told_while_it_is_under_way_and_when_it_arrives",),
    ),
    Mutant(
        "a recovered payment given up while its money is under way",
        (
            Change(
                "services/reconciliation/recovery.py",
                "        is_under_way = state_of(intent) is PaymentState.PROCESSING",
                "        is_under_way = False",
            ),
        ),
        (f"{LISTS}::test_a_recovered_payment_under_way_is_the_orders_live_one",),
    ),
    Mutant(
        "a step that begins at the front in each run",
        (
            Change(
                "services/reconciliation/round.py", '        start = step.cursor or ""', '        start = ""'
            ),
        ),
        (
            f"{GOES_ON}::test_expired_orders_behind_those_with_money_under_way_expire",
            f"{GOES_ON}::test_a_closed_order_behind_those_with_money_under_way_is_not_left_payable",
        ),
    ),
    Mutant(
        "money under way asked about each minute for days",
        (
            Change(
                "services/reconciliation/payment_steps.py",
                "    return {row.order_id for row in rows if str(row.order_id) not in step.retries}",
                "    return {row.order_id for row in rows if not row}",
            ),
        ),
        (f"{GOES_ON}::test_money_under_way_for_days_costs_no_call_each_minute",),
    ),
)
