"""Chargebacks: https://docs.stripe.com/api/disputes. They begin with a test card or in the dashboard."""

from sandbox.account.account import Account
from sandbox.account.ids import new_id
from sandbox.http.answers import Object
from sandbox.http.calls import Call, listed
from sandbox.http.errors import invalid

_DAYS_TO_ANSWER = 9
_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def open_dispute(
    account: Account,
    charge: Object,
    *,
    reason: str = "fraudulent",
    inquiry: bool = False,
    amount: int | None = None,
    due_by: int | None = None,
) -> Object:
    """Dispute a charge, or `amount` (minor units) of it, to be answered by `due_by` (epoch seconds).

    An inquiry takes no money yet. A dispute that is not answered in time is lost.
    """
    new = _new_dispute(account, charge, reason, inquiry)
    new["amount"] = charge["amount"] if amount is None else amount
    if due_by is not None:
        new["evidence_details"]["due_by"] = due_by
    dispute = account.save(account.disputes, new)
    account.save(account.charges, charge | {"disputed": True})
    account.emit("charge.dispute.created", dispute)
    if not inquiry:
        account.emit("charge.dispute.funds_withdrawn", dispute)
    _wait_for_answer(account, dispute)
    return dispute


_OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
_STATUSES = (*_OPEN, "won", "lost", "warning_closed")
_AFTERWARDS = {"lost": ("won",), "warning_closed": ("needs_response",)}


def move_dispute(account: Account, dispute_id: str, status: str) -> Object:
    """The dispute goes on: `under_review` as evidence is sent, then `won` or `lost` (inquiries: `warning_…`).

    One that was closed goes on in two ways: a bank gives back what it took, and an inquiry becomes a dispute.
    ValueError for a word that is no status; 400 for another dispute that is closed.
    """
    if status not in _STATUSES:
        raise ValueError(f"unknown status {status!r}; one of {', '.join(_STATUSES)}")
    dispute = account.disputes.require(dispute_id, param="dispute")
    if dispute["status"] not in _OPEN and status not in _AFTERWARDS.get(dispute["status"], ()):
        raise invalid(f"This dispute is already closed: it has a status of {dispute['status']}.")
    changes: Object = {"status": status}
    if status.endswith("under_review"):
        answered = {"has_evidence": True, "submission_count": 1}
        changes["evidence_details"] = dispute["evidence_details"] | answered
    changed = account.save(account.disputes, dispute | changes)
    if status == "won":
        account.emit("charge.dispute.funds_reinstated", changed)
    kind = "updated" if status in _OPEN else "closed"
    account.emit(f"charge.dispute.{kind}", changed, dispute if kind == "updated" else None)
    return changed


def close_dispute(account: Account, dispute_id: str, *, won: bool) -> Object:
    """The bank decides."""
    return move_dispute(account, dispute_id, "won" if won else "lost")


def _wait_for_answer(account: Account, dispute: Object) -> None:
    lost = {"needs_response": "lost", "warning_needs_response": "warning_closed"}

    def task() -> None:
        status = account.disputes.require(dispute["id"])["status"]
        if status in lost:
            move_dispute(account, dispute["id"], lost[status])

    account.schedule.at(dispute["evidence_details"]["due_by"], task)


def resume(account: Account) -> None:
    """After a restart: what happens when no evidence comes."""
    for dispute in account.disputes:
        _wait_for_answer(account, dispute)


def update(account: Account, call: Call) -> Object:
    """Evidence. `submit` (true unless told) sends it to the bank; the words of Stripe's test mode decide at once."""
    params = call.params
    params.allow_only(("evidence", "expand", "metadata", "submit"))
    dispute = account.disputes.require(call.id, param="dispute")
    if dispute["status"] not in _OPEN:
        raise invalid(f"This dispute is already closed: it has a status of {dispute['status']}.")
    evidence = params.inside("evidence")
    sent: Object = {}
    if evidence is not None:
        evidence.allow_only(_EVIDENCE, ("enhanced_evidence",))
        sent = {name: evidence.text(name, longest=20_000) for name in evidence.tree}
    details = dispute["evidence_details"] | ({"has_evidence": True} if sent else {})
    changed = dispute | {
        "evidence": dispute["evidence"] | sent,
        "evidence_details": details,
        "metadata": params.metadata(dispute["metadata"]),
    }
    account.save(account.disputes, changed)
    if evidence is None or params.boolean("submit") is False:
        account.emit("charge.dispute.updated", changed, dispute)
        return changed
    warning = "warning_" if dispute["status"].startswith("warning") else ""
    reviewed = move_dispute(account, call.id, f"{warning}under_review")
    verdict = {"winning_evidence": "won", "losing_evidence": "lost"}.get(sent.get("uncategorized_text") or "")
    return reviewed if verdict is None else move_dispute(account, call.id, verdict)


def close(account: Account, call: Call) -> Object:
    """Accept the dispute: it is lost."""
    call.params.allow_only(("expand",))
    account.disputes.require(call.id, param="dispute")
    return move_dispute(account, call.id, "lost")


def _new_dispute(account: Account, charge: Object, reason: str, inquiry: bool) -> Object:
    created = account.clock.now()
    card = {"brand": "visa", "case_type": "inquiry" if inquiry else "chargeback", "network_reason_code": "10"}
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(_EVIDENCE) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": created + _DAYS_TO_ANSWER * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": card, "type": "card"},
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def retrieve(account: Account, call: Call) -> Object:
    call.params.allow_only(("expand",))
    return account.disputes.require(call.id, param="dispute")


def list_disputes(account: Account, call: Call) -> Object:
    return listed(account.disputes, call, "/v1/disputes", ("payment_intent", "charge"))
