"""What a case says to the person who has to decide: what happened, and what to do."""

from collections.abc import Callable

from models.attention.dispute_facts import HERE_AGAIN
from models.attention.fact import FactRow
from models.attention.facts import MADE_AFTER_ALL, PERHAPS_MADE_UP_FOR, SET_BACK, SET_TO
from models.attention.tables import AttentionKind, AttentionSubject
from models.currencies.currencies import to_decimal_string
from models.orders.tables import OrderStatus
from models.refunds.sums import LOST
from models.refunds.tables import BALANCE_INSUFFICIENT, DELAYED

CHARGE_DISPUTED = "charge_disputed"
UNDER_REVIEW = ("under_review", "warning_under_review")


def message_of(fact: FactRow) -> str:
    """For a row of `models.attention.facts`."""
    return _MESSAGES[AttentionKind(fact.kind)](fact)


def _money(fact: FactRow) -> str:
    return f"{to_decimal_string(fact.amount or 0, fact.currency)} {fact.currency}"


def _in_review(fact: FactRow) -> str:
    if fact.subject == AttentionSubject.ORDER:
        return (
            f"Order {fact.order_id} is in REVIEW. Compare its payments and refunds with its total, and decide with "
            "`resolveReview`."
        )
    arrived = f"{to_decimal_string(fact.received or 0, fact.currency)} {fact.currency}"
    if fact.word == SET_BACK:
        return (
            f"{arrived} settled order {fact.order_id} with {fact.intent_id}, and its status was set back to pending by "
            f"hand.{_of_it_is_here(fact)} Until you decide, the order can't be paid. Decide with `resolveReview`: "
            "ACCEPT makes it PAID again, REFUND gives the money back."
        )
    if fact.word == HERE_AGAIN:
        return (
            f"{_money(fact)} of {fact.intent_id} are here again, and order {fact.order_id} has no use for them. Give "
            "them back with `refundOrder` (in Stripe's dashboard, if somebody said before that they went back in "
            "another way), or close this case with a note."
        )
    if fact.word and fact.word.startswith(SET_TO):
        return (
            f"{arrived} settled order {fact.order_id} with {fact.intent_id}, and its status was {fact.word} by hand."
            f"{_of_it_is_here(fact)} Decide with `resolveReview`: ACCEPT makes it PAID again, REFUND gives the money "
            "back."
        )
    status = f" Its status was set to {fact.word} by hand." if fact.word != OrderStatus.REVIEW else ""
    return (
        f"{arrived} arrived for order {fact.order_id} with {fact.intent_id} and does not settle it: it is not its "
        f"total, or other money waits too.{_of_it_is_here(fact)}{status} Until you decide, the order can't be paid. "
        "Decide with `resolveReview`: ACCEPT makes the total what was received, REFUND gives it back. "
        "`Order.openReview` has the amounts."
    )


def _of_it_is_here(fact: FactRow) -> str:
    """Nothing where all of it is."""
    if fact.amount == fact.received:
        return ""
    return f" {_money(fact)} of it is here: the rest was given back, or taken by a bank in a lost dispute."


def _refund_failed(fact: FactRow) -> str:
    told = f": {fact.sentence}" if fact.sentence else ""
    if fact.word == BALANCE_INSUFFICIENT:
        return (
            f"A refund of {_money(fact)} for order {fact.order_id} waits, since the balance at Stripe is too small"
            f"{told}. Add money to the balance: the refund is tried again by itself. If the customer got the money in "
            "another way, close this case, and it is not tried any more."
        )
    if fact.word == DELAYED:
        return (
            f"For about an hour a refund of {_money(fact)} for order {fact.order_id} could not be made{told}. Look at "
            f"{fact.intent_id} in Stripe's dashboard. The refund is tried again by itself. If the customer got the "
            "money in another way, close this case, and it is not tried any more."
        )
    if fact.word == MADE_AFTER_ALL:
        return (
            f"Stripe made a refund of {_money(fact)} for order {fact.order_id} ({fact.intent_id}), although a person "
            "had closed its case, as its money went back in another way. See whether the customer has the money twice; "
            "then close this case with a note."
        )
    word = (fact.word or "").removeprefix(PERHAPS_MADE_UP_FOR)
    what = f"A refund of {_money(fact)} for order {fact.order_id} failed ({word or 'canceled'}){told}."
    if fact.word != word:
        return (
            f"{what} Other money of {fact.intent_id} went back too, by another refund or by a bank: look at it in "
            "Stripe's dashboard. If that made up for this one, close this case with a note. If not, the customer does "
            "not have the money: give it back in another way, or try `refundOrder` with a new key; then close this "
            "case with a note."
        )
    if word == CHARGE_DISPUTED:
        return (
            f"{what} The customer's bank disputes the charge: accept the dispute at Stripe, or refund in Stripe's "
            "dashboard once it is won."
        )
    return (
        f"{what} The customer does not have the money. Give it back in another way, or try `refundOrder` with a new "
        "key; then close this case with a note."
    )


def _refund_forbidden(fact: FactRow) -> str:
    told = f" Stripe says: {fact.sentence}" if fact.sentence else ""
    return (
        f"Stripe does not let STRIPE_SECRET_KEY refund {_money(fact)} for order {fact.order_id}.{told} Give the key "
        "write access to refunds in Stripe's dashboard: the refund is tried again by itself. If the customer gets the "
        "money in another way, by a refund in the dashboard too, close this case, and it is not tried any more."
    )


def _dispute_open(fact: FactRow) -> str:
    about = f"of order {fact.order_id} ({fact.subject_id.partition('/')[0]}, {fact.sentence})"
    if fact.word == LOST:
        return (
            f"The customer's bank took {_money(fact)} {about} for good. The order keeps its status. See whether the "
            "customer has the money twice, from a refund too, or has the goods without having paid; then close this "
            "case with a note."
        )
    what = f"The customer's bank disputes {_money(fact)} {about}"
    if fact.word in UNDER_REVIEW:
        return f"{what}. Evidence was sent, and the bank decides. Deliver nothing more until then."
    return (
        f"{what}. Send evidence or accept it in Stripe's dashboard. Deliver nothing more until it is decided."
    )


def _authorization_lapses(fact: FactRow) -> str:
    return (
        f"{_money(fact)} for order {fact.order_id} are authorized and not captured ({fact.intent_id}). Capture them in "
        "Stripe's dashboard, or cancel the order with `cancelOrder`; Stripe releases an authorization after about "
        "seven days. To charge at once, set the capture method to automatic."
    )


_MESSAGES: dict[AttentionKind, Callable[[FactRow], str]] = {
    AttentionKind.ORDER_IN_REVIEW: _in_review,
    AttentionKind.REFUND_FAILED: _refund_failed,
    AttentionKind.REFUND_FORBIDDEN: _refund_forbidden,
    AttentionKind.DISPUTE_OPEN: _dispute_open,
    AttentionKind.AUTHORIZATION_LAPSES: _authorization_lapses,
}
