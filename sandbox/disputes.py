"""Chargebacks: https://docs.stripe.com/api/disputes. They begin with a test card or in the dashboard."""

from sandbox.account import Account
from sandbox.answers import Object
from sandbox.calls import Call, listed
from sandbox.ids import new_id

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
    account: Account, charge: Object, *, reason: str = "fraudulent", inquiry: bool = False
) -> Object:
    """Dispute a charge's whole amount (minor units). An inquiry takes no money yet."""
    dispute = account.save(account.disputes, _new_dispute(account, charge, reason, inquiry))
    account.save(account.charges, charge | {"disputed": True})
    account.emit("charge.dispute.created", dispute)
    if not inquiry:
        account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(account: Account, dispute_id: str, *, won: bool) -> Object:
    """The bank decides."""
    dispute = account.disputes.require(dispute_id, param="dispute")
    closed = account.save(account.disputes, dispute | {"status": "won" if won else "lost"})
    if won:
        account.emit("charge.dispute.funds_reinstated", closed)
    account.emit("charge.dispute.closed", closed)
    return closed


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
