"""Deliberate bugs of the kinds that were found on real accounts: amounts, refusals that pass, odd lists, pauses."""

from tests.proof.mutants.files import EXPIRY, OWNERSHIP, TRUE_REFUNDS
from tests.proof.mutants.mutant import Change, Mutant

ODD = "tests/integration/stripe_api/test_odd_answers.py"
CHANGES = "tests/integration/orders/test_update_order.py"
ORDERS = "tests/integration/graph/test_graphql_orders.py"
LIMITS = "tests/proof/test_sweep_limits.py"

MUTANTS = (
    Mutant(
        "a fresh intent whose amount nobody compares",
        (
            Change(
                "services/payments/payment_intents.py",
                "        if (intent.amount, intent.currency) != (payment.amount, payment.currency):\n",
                "        if False:\n",
            ),
        ),
        (f"{ODD}::test_an_intent_of_another_amount_than_asked_for_is_never_released",),
    ),
    Mutant(
        "a new total that Stripe refuses told as a payment in progress",
        (
            Change(
                "services/payments/payment_intents.py",
                "        if isinstance(error, Refused) and error.code in AMOUNT_CODES:\n"
                "            raise claim.not_chargeable(error) from error\n"
                "        if isinstance",
                "        if isinstance",
            ),
        ),
        (f"{EXPIRY}::test_a_new_total_that_stripe_refuses_is_told_with_its_reason",),
    ),
    Mutant(
        "an authorized order that nobody can cancel",
        (
            Change(
                "services/payments/order_cancellation.py",
                "UNDER_WAY = (IntentStatus.PROCESSING, IntentStatus.SUCCEEDED)",
                "UNDER_WAY = (IntentStatus.PROCESSING, IntentStatus.SUCCEEDED, IntentStatus.REQUIRES_CAPTURE)",
            ),
        ),
        (f"{EXPIRY}::test_an_authorized_order_can_be_canceled",),
    ),
    Mutant(
        "a refund without balance that fails for good",
        (
            Change(
                "services/payments/refunds.py",
                'PASSING_CODES = (BALANCE_INSUFFICIENT, "insufficient_funds")',
                "PASSING_CODES: tuple[str, ...] = ()",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_a_refund_without_balance_is_tried_again_until_it_is_made",),
    ),
    Mutant(
        "a refusal that passes taken for a definite one",
        (
            Change(
                "services/stripe_api/wire.py",
                "PASSING = (408, 409, 423, 424, 425)",
                "PASSING = (408, 409)",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_a_refusal_that_passes_does_not_fail_a_refund",),
    ),
    Mutant(
        "owed money whose refund was canceled, told to nobody",
        (
            Change(
                "models/attention/facts.py",
                "among(col(Refund.state), ENDED)",
                "among(col(Refund.state), ENDED[:1])",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_late_money_whose_refund_ends_without_being_made_calls_until_it_is_back",),
    ),
    Mutant(
        "a merchant's refund that fails at the bank, told to nobody",
        (
            Change(
                "models/attention/facts.py",
                "        col(Payment.owed) > 0,\n",
                "        col(Refund.cause) != 'merchant',\n",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_a_merchants_refund_that_fails_weeks_later_is_told",),
    ),
    Mutant(
        "refunds that were never sent behind those that wait",
        (
            Change(
                "models/refunds/statements.py",
                ".order_by(col(Refund.state) != RefundState.CREATING.value, col(Refund.due_at))",
                ".order_by(col(Refund.due_at))",
            ),
        ),
        (f"{LIMITS}::test_a_refund_that_was_never_sent_goes_before_those_that_wait",),
    ),
    Mutant(
        "an order of a known key priced anew",
        (
            Change(
                "services/orders/orders.py",
                "            if order := await earlier():\n                return order\n            lines",
                "            lines",
            ),
        ),
        (
            f"{ORDERS}::test_the_same_key_gives_the_same_order_after_its_product_went_off_sale_and_its_total_changed",
        ),
    ),
    Mutant(
        "a thin event that is none",
        (
            Change(
                "services/reconciliation/stripe_events.py",
                'THIN, THIN_VERSION = "v2.core.event", "v1."',
                'THIN, THIN_VERSION = "v2.core.events", "v1."',
            ),
        ),
        (f"{OWNERSHIP}::test_thin_events_make_an_order_paid_and_refunded",),
    ),
    Mutant(
        "a change of an order that nobody finishes",
        (
            Change(
                "services/reconciliation/payment_steps.py",
                "                await self._changes.finish(order_id)\n",
                "                pass\n",
            ),
        ),
        (f"{CHANGES}::test_a_change_that_nobody_asks_for_again_is_finished_by_the_sweep",),
    ),
    Mutant(
        "an old intent that is looked at in each sweep",
        (
            Change(
                "models/reconciliation/statements.py",
                "    func.greatest(_quarter_of_its_age, literal_column(\"interval '55 seconds'\", Interval)),\n",
                "    literal_column(\"interval '55 seconds'\", Interval),\n",
            ),
        ),
        (f"{LIMITS}::test_an_old_intent_is_asked_about_more_rarely_than_a_young_one",),
    ),
    Mutant(
        "a stranger's odd intent that ends a list",
        (
            Change(
                "services/stripe_api/objects.py",
                "    except UnreadableAnswer as error:\n"
                "        return IntentSeen(id=intent_id, marks=marks, intent=None, unreadable=str(error))\n",
                "    except ZeroDivisionError as error:\n"
                "        return IntentSeen(id=intent_id, marks=marks, intent=None, unreadable=str(error))\n",
            ),
        ),
        (f"{ODD}::test_a_list_may_hold_anything_of_a_stranger",),
    ),
)
