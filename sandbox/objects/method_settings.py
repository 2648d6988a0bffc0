"""Which payment methods may pay an intent: dynamic by default, as Stripe's dashboard settings would decide."""

from sandbox.http.answers import Object
from sandbox.http.calls import Call
from sandbox.http.errors import StripeError, error_body
from sandbox.http.parameters import Parameters
from sandbox.http.versions import refuses_payment_method_types

_LISTS = ("payment_method_types", "allowed_payment_method_types", "excluded_payment_method_types")
SETTINGS = frozenset((*_LISTS, "payment_method_options", "automatic_payment_methods"))
UNDECIDED: Object = {
    "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
    "excluded_payment_method_types": None,
    "payment_method_configuration_details": {"id": "pmc_sandbox", "parent": None},
    "payment_method_options": {
        "card": {
            "installments": None,
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": "automatic",
        }
    },
    "payment_method_types": [],
}


def method_settings(call: Call, currency: str, old: Object) -> Object:
    """The settings for this currency: what was sent now, else what `old` (an intent, or UNDECIDED) says."""
    params = call.params
    explicit, allowed, excluded = (params.texts(name) for name in _LISTS)
    if explicit and refuses_payment_method_types(call.version):
        raise _types_refused()
    automatic = None if explicit else _automatic(params, old)
    if automatic is None:
        types = explicit or old["payment_method_types"] or ["card"]
    else:
        excluded = excluded or old["excluded_payment_method_types"] or []
        types = [kind for kind in _types_of(currency) if kind not in excluded and kind in (allowed or [kind])]
    return {
        "automatic_payment_methods": automatic,
        "excluded_payment_method_types": excluded or None,
        "payment_method_configuration_details": automatic
        and UNDECIDED["payment_method_configuration_details"],
        "payment_method_options": {"card": _card_options(params, old["payment_method_options"]["card"])},
        "payment_method_types": types,
    }


def _automatic(params: Parameters, old: Object) -> Object | None:
    before: Object | None = old["automatic_payment_methods"]
    sent = params.inside("automatic_payment_methods")
    if sent is None:
        return before
    sent.allow_only(("enabled", "allow_redirects"))
    enabled, redirects = sent.boolean("enabled"), sent.one_of("allow_redirects", ("always", "never"))
    return {"allow_redirects": redirects or "always", "enabled": True} if enabled else None


def _types_of(currency: str) -> list[str]:
    return ["card", *{"usd": ["us_bank_account"], "eur": ["sepa_debit"]}.get(currency, [])]


def _types_refused() -> StripeError:
    message = (
        "payment_method_types is no longer supported. Use dynamic payment methods, allowed_payment_method_types or "
        "excluded_payment_method_types instead."
    )
    code = "payment_method_types_no_longer_supported"
    body = error_body("invalid_request_error", message, code=code, param="payment_method_types")
    return StripeError(400, body)


def _card_options(params: Parameters, old: Object) -> Object:
    sent = params.inside("payment_method_options")
    if sent is None:
        return old
    sent.allow_only(("card", "us_bank_account", "sepa_debit"), sent.tree)
    card = sent.inside("card") or Parameters({})
    card.allow_only(_CARD_OPTIONS, card.tree)
    chosen = {name: card.one_of(name, _CARD_OPTIONS[name]) for name in _CARD_OPTIONS if name in card}
    return old | {name: value for name, value in chosen.items() if value is not None}


# What Stripe's guides for the Payment Element set: https://docs.stripe.com/payments/payment-element
_CARD_OPTIONS: dict[str, tuple[str, ...]] = {
    "request_three_d_secure": ("any", "automatic", "challenge"),
    "setup_future_usage": ("none", "off_session", "on_session"),
    "capture_method": ("manual",),
    "request_extended_authorization": ("if_available", "never"),
    "request_incremental_authorization": ("if_available", "never"),
    "request_multicapture": ("if_available", "never"),
    "request_overcapture": ("if_available", "never"),
}
