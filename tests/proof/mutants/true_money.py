"""Deliberate bugs in how much money came, in which currency, and what becomes of orders that are closed by hand."""

from tests.proof.mutants.files import (
    ANOTHER,
    BACK_AGAIN,
    BY_HAND,
    COPY,
    DISPUTES,
    FOLLOWING,
    GOES_ON,
    PARTS,
    REFUND,
)
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "what a partial capture released counted as given back",
        (
            Change(
                "services/payments/refund_records.py",
                "    given_back = without_released(payment, listed)\n",
                "    given_back = listed\n",
            ),
        ),
        (f"{PARTS}::test_what_was_released_at_a_partial_capture_is_no_refund",),
    ),
    Mutant(
        "money of another currency kept in the order's",
        (
            Change(
                "services/payments/settlement.py",
                "intent.currency if succeeded else payment.currency",
                "payment.currency",
            ),
        ),
        (f"{FOLLOWING}::test_money_of_another_currency_waits_for_a_person_however_often_its_news_is_heard",),
    ),
    Mutant(
        "a dispute's number read in another currency",
        (
            Change(
                "services/payments/disputes.py",
                "    if dispute.currency in (None, payment.currency):",
                "    if dispute.id:",
            ),
        ),
        (f"{DISPUTES}::test_a_dispute_in_another_currency_is_about_all_of_its_payment",),
    ),
    Mutant(
        "an order closed over money that waits for a person",
        (
            Change(
                "services/payments/order_cancellation.py",
                '    if await transaction.row(WAITING_MONEY, {"order_id": order_id}) is not None:',
                "    if WAITING_MONEY is None:",
            ),
        ),
        (f"{BY_HAND}::test_an_order_that_was_set_back_to_pending_is_not_closed_over_its_money",),
    ),
    Mutant(
        "an order that was set back to pending not marked",
        (
            Change(
                "models/migrations/versions/0030_reopened_orders.py",
                "        NEW.reopened := true;\n",
                "        NEW.reopened := false;\n",
            ),
        ),
        (f"{BY_HAND}::test_an_order_that_was_set_back_to_pending_is_not_closed_over_its_money",),
    ),
    Mutant(
        "an order that was set to refunded over its money not marked",
        (
            Change(
                "models/migrations/versions/0035_refunded_by_hand_beside_others.py",
                "AND (said = 'refunded' OR coalesce(",
                "AND (said <> 'refunded' AND coalesce(",
            ),
        ),
        (f"{BY_HAND}::test_settled_money_on_an_order_that_was_set_to_another_status_waits_for_a_person",),
    ),
    Mutant(
        "a paid order that was set to canceled made paid by news of its money",
        (
            Change(
                "services/payments/state_machine.py",
                "        return OrderVerdict(status=order.status if order.was_closed_by_hand else status)\n",
                "        return OrderVerdict(status=status)\n",
            ),
        ),
        (f"{BY_HAND}::test_settled_money_on_an_order_that_was_set_to_another_status_waits_for_a_person",),
    ),
    Mutant(
        "Stripe's lists read by our clock while the key may not read the balance",
        (
            Change(
                "services/reconciliation/sweep.py",
                "        except (PermissionMissing, Refused) as error:  # an answer\n"
                "            self._stripe_time = error.answered_at\n",
                "        except (PermissionMissing, Refused):  # an answer\n            pass\n",
            ),
        ),
        (f"{GOES_ON}::test_stripes_clock_is_told_by_whatever_it_answers",),
    ),
    Mutant(
        "a copied database that reprices the original's intents",
        (
            Change(
                "services/operations/installation.py",
                "    await transaction.rows(DROP_COPIED_CHANGES)\n",
                "    assert DROP_COPIED_CHANGES is not None\n",
            ),
        ),
        (f"{COPY}::test_a_copy_leaves_the_originals_changes_of_orders_to_the_original",),
    ),
    Mutant(
        "a copied database that tells its payments from the original's by a clock",
        (
            Change(
                "models/payments/installation.py",
                "    return col(payment.installation_id) == any_(own_ids)\n",
                "    since = select(col(Installation.payments_since)).scalar_subquery()\n"
                "    return or_(since.is_(None), col(payment.created_at) >= since)\n",
            ),
        ),
        (f"{COPY}::test_what_a_copy_records_is_its_own_whatever_the_clock_says",),
    ),
    Mutant(
        "a change that waits for an account that is given up",
        (
            Change(
                "services/reconciliation/forgetting.py",
                '        await transaction.rows(DROP_CHANGE_OF_PAYMENT, {"payment_id": payment.id})\n',
                "        assert DROP_CHANGE_OF_PAYMENT is not None\n",
            ),
        ),
        (
            f"{ANOTHER}::test_an_order_whose_change_waited_for_an_account_that_is_given_up_can_be_changed_again",
        ),
    ),
    Mutant(
        "money that a bank took given back besides",
        (
            Change(
                "models/refunds/sums.py",
                "    return col(payment.amount_received) - asked_for(payment.id) - taken_by_banks(payment.id)\n",
                "    return col(payment.amount_received) - asked_for(payment.id)\n",
            ),
        ),
        (f"{REFUND}::test_what_a_bank_took_in_a_dispute_is_not_given_back_besides",),
    ),
    Mutant(
        "a payment returned because a bank took an earlier one",
        (
            Change(
                "services/payments/settlement.py",
                "settled = sum(m.here for m in money",
                "settled = sum(m.not_refunded for m in money",
            ),
        ),
        (f"{BY_HAND}::test_an_order_whose_money_a_bank_took_is_paid_by_the_payment_after_it_was_reopened",),
    ),
    Mutant(
        "a paid order that is canceled by hand with a reason",
        (
            Change(
                "models/migrations/versions/0033_canceled_over_money.py",
                "            NEW.cancel_reason := NULL;\n",
                "            NEW.cancel_reason := OLD.cancel_reason;\n",
            ),
        ),
        (
            f"{BY_HAND}::test_an_order_that_was_set_to_canceled_over_its_money_is_told_whatever_reason_stands_there",
        ),
    ),
    Mutant(
        "an id that comes back and takes the original's money along",
        (
            Change(
                "services/operations/installation.py",
                "later = [row.id for row in originals if row.left_at > wanted.left_at]",
                "later = [row.id for row in originals]",
            ),
        ),
        (f"{BACK_AGAIN}::test_a_copy_does_not_take_the_originals_money",),
    ),
    Mutant(
        "payments asked for under the id of meanwhile",
        (
            Change(
                "models/payments/installation.py",
                "col(FormerInstallation.belongs_to) == this_installation",
                "col(FormerInstallation.id) == this_installation",
            ),
        ),
        (f"{BACK_AGAIN}::test_what_was_asked_for_under_another_id_is_heard_of",),
    ),
    Mutant(
        "what happened while the id was another's left unread",
        (
            Change(
                "services/operations/installation.py",
                '    await transaction.rows(READ_LISTS_AGAIN, {"since": way.since})\n',
                "    assert READ_LISTS_AGAIN is not None\n",
            ),
        ),
        (f"{BACK_AGAIN}::test_a_dispute_of_meanwhile_is_told",),
    ),
)
