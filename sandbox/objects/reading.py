"""What can only be read: charges, events, the account and its balance."""

from collections import Counter
from fnmatch import fnmatchcase

from sandbox.account.account import ACCOUNT_ID, Account
from sandbox.http.answers import Object
from sandbox.http.calls import PAGING, Call, list_object, listed, window
from sandbox.http.errors import invalid
from sandbox.objects.statements import PREFIX


def retrieve_charge(account: Account, call: Call) -> Object:
    call.params.allow_only(("expand",))
    return account.charges.require(call.id, param="charge")


def list_charges(account: Account, call: Call) -> Object:
    return listed(account.charges, call, "/v1/charges", ("payment_intent", "customer"))


def retrieve_event(account: Account, call: Call) -> Object:
    call.params.allow_only(("expand",))
    return account.events.require(call.id)


def list_events(account: Account, call: Call) -> Object:
    """Newest first; `type` may end in `.*`, `types[]` is a list, `delivery_success=false` are those still awaited."""
    params = call.params
    params.allow_only(PAGING | {"type", "types", "delivery_success"})
    kind, kinds, delivered = params.text("type"), params.texts("types"), params.boolean("delivery_success")
    if kind is not None and kinds:
        raise invalid("You may only specify one of these parameters: type, types.")
    if len(kinds) > 20:
        raise invalid("You may specify up to 20 types.", param="types")
    wanted = [kind] if kind is not None else kinds

    def matches(event: Object) -> bool:
        if delivered is not None and delivered != (event["pending_webhooks"] == 0):
            return False
        return not wanted or any(fnmatchcase(event["type"], pattern) for pattern in wanted)

    types = () if delivered is False else wanted or None  # strangers' events were all delivered
    found, has_more = account.events.page(window(params), {}, matches, types=types)
    return list_object(found, has_more, "/v1/events")


def retrieve_balance_transaction(account: Account, call: Call) -> Object:
    call.params.allow_only(("expand",))
    return account.balance_transactions.require(call.id, param="balance_transaction")


def list_balance_transactions(account: Account, call: Call) -> Object:
    return listed(account.balance_transactions, call, "/v1/balance_transactions", ("source",))


def retrieve_account(account: Account, call: Call) -> Object:
    call.params.allow_only(("expand",))
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": "sandbox@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
            "card_payments": {
                "statement_descriptor_prefix": PREFIX,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": PREFIX,
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
        },
        "type": "standard",
    }


def retrieve_balance(account: Account, call: Call) -> Object:
    """All that was captured and not given back, per currency, in minor units; there are no fees here."""
    call.params.allow_only(("expand",))
    sums: Counter[str] = Counter({"usd": 0})
    for charge in account.charges:
        if charge["paid"] and charge["captured"]:
            sums[charge["currency"]] += charge["amount"] - charge["amount_refunded"]
    available = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sums.items()
    ]
    pending = [{"amount": 0, "currency": currency, "source_types": {"card": 0}} for currency in sums]
    return {"object": "balance", "available": available, "livemode": False, "pending": pending}
