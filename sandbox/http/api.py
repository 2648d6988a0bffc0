"""The endpoints under /v1, and what is done to every answer: expansion, and the smaller view for browsers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.account.account import Account
from sandbox.account.store import Table
from sandbox.http.answers import Object
from sandbox.http.calls import Call
from sandbox.http.errors import StripeError, error_body, invalid
from sandbox.objects import (
    capturing,
    customers,
    disputes,
    payment_intents,
    reading,
    refunds,
    saved_methods,
    search,
    setup_intents,
)
from sandbox.webhooks import destinations, endpoints

Handler = Callable[[Account, Call], Object]
_DEEPEST = 4  # levels of expansion, as Stripe allows


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`name` is what rate limits count by; `public` ones take the publishable key and a client secret."""

    name: str
    handler: Handler
    public: bool = False


def _endpoint(
    method: str, path: str, handler: Handler, *, public: bool = False
) -> tuple[tuple[str, str], Endpoint]:
    return (method, path), Endpoint(f"{method} {path}", handler, public)


ENDPOINTS: dict[tuple[str, str], Endpoint] = dict(
    [
        _endpoint("POST", "payment_intents", payment_intents.create),
        _endpoint("GET", "payment_intents", payment_intents.list_intents),
        _endpoint("GET", "payment_intents/search", search.search_intents),
        _endpoint("GET", "payment_intents/{id}", payment_intents.retrieve, public=True),
        _endpoint("POST", "payment_intents/{id}", payment_intents.update),
        _endpoint("POST", "payment_intents/{id}/confirm", capturing.confirm, public=True),
        _endpoint("POST", "payment_intents/{id}/capture", capturing.capture),
        _endpoint("POST", "payment_intents/{id}/cancel", capturing.cancel),
        _endpoint("POST", "refunds", refunds.create),
        _endpoint("GET", "refunds", refunds.list_refunds),
        _endpoint("GET", "refunds/{id}", refunds.retrieve),
        _endpoint("POST", "refunds/{id}", refunds.update),
        _endpoint("GET", "charges", reading.list_charges),
        _endpoint("GET", "charges/{id}", reading.retrieve_charge),
        _endpoint("POST", "customers", customers.create),
        _endpoint("GET", "customers", customers.list_customers),
        _endpoint("GET", "customers/{id}", customers.retrieve),
        _endpoint("POST", "customers/{id}", customers.update),
        _endpoint("DELETE", "customers/{id}", customers.delete),
        _endpoint("GET", "customers/{id}/payment_methods", saved_methods.list_of_customer),
        _endpoint("GET", "customers/{id}/payment_methods/{inner}", saved_methods.retrieve_of_customer),
        _endpoint("POST", "payment_methods", saved_methods.create),
        _endpoint("GET", "payment_methods", saved_methods.list_methods),
        _endpoint("GET", "payment_methods/{id}", saved_methods.retrieve),
        _endpoint("POST", "payment_methods/{id}", saved_methods.update),
        _endpoint("POST", "payment_methods/{id}/attach", saved_methods.attach),
        _endpoint("POST", "payment_methods/{id}/detach", saved_methods.detach),
        _endpoint("POST", "setup_intents", setup_intents.create),
        _endpoint("GET", "setup_intents", setup_intents.list_intents),
        _endpoint("GET", "setup_intents/{id}", setup_intents.retrieve, public=True),
        _endpoint("POST", "setup_intents/{id}", setup_intents.update),
        _endpoint("POST", "setup_intents/{id}/confirm", setup_intents.confirm, public=True),
        _endpoint("POST", "setup_intents/{id}/cancel", setup_intents.cancel),
        _endpoint("GET", "balance_transactions", reading.list_balance_transactions),
        _endpoint("GET", "balance_transactions/{id}", reading.retrieve_balance_transaction),
        _endpoint("GET", "disputes", disputes.list_disputes),
        _endpoint("GET", "disputes/{id}", disputes.retrieve),
        _endpoint("GET", "events", reading.list_events),
        _endpoint("GET", "events/{id}", reading.retrieve_event),
        _endpoint("POST", "refunds/{id}/cancel", refunds.cancel),
        _endpoint("POST", "disputes/{id}", disputes.update),
        _endpoint("POST", "disputes/{id}/close", disputes.close),
        _endpoint("GET", "webhook_endpoints", endpoints.list_endpoints),
        _endpoint("POST", "webhook_endpoints", endpoints.create),
        _endpoint("GET", "webhook_endpoints/{id}", endpoints.retrieve),
        _endpoint("POST", "webhook_endpoints/{id}", endpoints.update),
        _endpoint("DELETE", "webhook_endpoints/{id}", endpoints.delete),
        _endpoint("GET", "account", reading.retrieve_account),
        _endpoint("GET", "balance", reading.retrieve_balance),
    ]
)


V2_ENDPOINTS: dict[tuple[str, str], Endpoint] = dict(
    [
        _endpoint("GET", "v2/core/event_destinations", destinations.list_destinations),
        _endpoint("GET", "v2/core/event_destinations/{id}", destinations.retrieve_destination),
        _endpoint("GET", "v2/core/events/{id}", destinations.retrieve_event),
    ]
)


def find_endpoint(method: str, path: str) -> tuple[Endpoint, tuple[str, str]]:
    """The endpoint and the ids in its path. 404 for what the sandbox does not do, whatever Stripe does."""
    second = path.startswith("/v2/")
    start, endpoints = ("/v2/core/", V2_ENDPOINTS) if second else ("/v1/", ENDPOINTS)
    for template, ids in _readings(path.removeprefix(start).split("/")):
        endpoint = endpoints.get((method, f"v2/core/{template}" if second else template))
        if endpoint is not None:
            return endpoint, ids
    raise not_done(method, path)


def not_done(method: str, path: str) -> StripeError:
    """404 for a URL of no endpoint here, whatever Stripe does."""
    message = (
        f"Sandbox: {method} {path} is not done here, or is no URL of Stripe's. docs/sandbox.md has what is done; "
        "https://docs.stripe.com/api has what Stripe does."
    )
    return StripeError(404, error_body("invalid_request_error", message))


def _readings(parts: list[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """What the parts of a path may mean: names alone, or ids at the second and the fourth place."""
    yield "/".join(parts), ("", "")
    if len(parts) > 1 and parts[1]:
        first = [parts[0], "{id}", *parts[2:]]
        yield "/".join(first), (parts[1], "")
        if len(parts) > 3 and parts[3]:
            yield "/".join([*first[:3], "{inner}", *parts[4:]]), (parts[1], parts[3])


def run(account: Account, endpoint: Endpoint, call: Call) -> Object:
    """The endpoint's object, expanded; browsers see less of an intent, in errors too."""
    paths = call.params.texts("expand")
    _check_depth(paths)
    try:
        value = endpoint.handler(account, call)
    except StripeError as error:
        for noun in ("payment_intent", "setup_intent"):
            if call.publishable and noun in error.error:
                error.error[noun] = _for_browsers(error.error[noun])
        raise
    if call.publishable:
        return _for_browsers(value)
    for path in paths:
        value = _expanded(account, value, path.split("."), path)
    return value


def _for_browsers(intent: Object) -> Object:
    view = setup_intents.public_view if intent["object"] == "setup_intent" else payment_intents.public_view
    return view(intent)


def _check_depth(paths: list[str]) -> None:
    for path in paths:
        if path.count(".") >= _DEEPEST:
            raise invalid(
                f"You cannot expand more than {_DEEPEST} levels of a property: {path}", param="expand"
            )


def _expanded(account: Account, value: Object, steps: list[str], path: str) -> Object:
    step, *rest = steps
    if step == "data" and value.get("object") in ("list", "search_result") and rest:
        return value | {"data": [_expanded(account, each, rest, path) for each in value["data"]]}
    if step not in value or step not in _tables(account):
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    inner = value[step]
    if isinstance(inner, str) and step in _tables(account):
        inner = _tables(account)[step].get(inner) or inner
    if rest and isinstance(inner, dict):
        inner = _expanded(account, inner, rest, path)
    return value | {step: inner}


def _tables(account: Account) -> dict[str, Table]:
    return {
        "balance_transaction": account.balance_transactions,
        "latest_charge": account.charges,
        "charge": account.charges,
        "payment_intent": account.payment_intents,
        "payment_method": account.payment_methods,
        "customer": account.customers,
    }
