"""Payment methods over the API, and whose they are: https://docs.stripe.com/api/payment_methods."""

from sandbox.account.account import Account
from sandbox.http.answers import Object
from sandbox.http.calls import PAGING, Call, list_object, listed, window
from sandbox.http.errors import invalid, no_such
from sandbox.http.parameters import Parameters
from sandbox.objects.customers import require_customer
from sandbox.objects.numbers import number_of
from sandbox.objects.payment_methods import (
    billing_details,
    make_payment_method,
    method_of,
    save_method,
    unknown_method,
)

_UPDATING = frozenset(("allow_redisplay", "billing_details", "card", "expand", "metadata"))


def create(account: Account, call: Call) -> Object:
    data = Parameters({name: value for name, value in call.params.tree.items() if name != "expand"})
    return make_payment_method(account, data)


def retrieve(account: Account, call: Call) -> Object:
    call.params.allow_only(("expand",))
    return account.payment_methods.require(call.id, param="payment_method")


def update(account: Account, call: Call) -> Object:
    """`billing_details`, `metadata`, `allow_redisplay`, and a card's expiry."""
    params = call.params
    params.allow_only(_UPDATING)
    method = account.payment_methods.require(call.id, param="payment_method")
    changed = method | {"metadata": params.metadata(method["metadata"])}
    if "billing_details" in params:
        changed["billing_details"] = billing_details(params.inside("billing_details"))
    shown = params.one_of("allow_redisplay", ("always", "limited", "unspecified"))
    if shown is not None:
        changed["allow_redisplay"] = shown
    card = params.inside("card")
    if card is not None:
        card.allow_only(("exp_month", "exp_year", "networks"))
        dates = {
            name: card.integer(name, least=1) or method["card"][name] for name in ("exp_month", "exp_year")
        }
        changed["card"] = method["card"] | dates
    account.emit("payment_method.updated", account.save(account.payment_methods, changed), method)
    return changed


def attach(account: Account, call: Call) -> Object:
    """402 for a card that declines, 404 for a payment method that there is not, 400 for one that was used up."""
    call.params.allow_only(("customer", "expand"))
    customer = require_customer(account, call.params.required("customer"))
    method = account.payment_methods.get(call.id)
    if method is None:
        number = number_of(call.id)
        if number is None:
            raise unknown_method(call.id, param="payment_method", status=404)
        method = save_method(account, number, Parameters({}))
    _check_attachable(account, method)
    attached = account.save(account.payment_methods, method | {"customer": customer["id"]})
    account.emit("payment_method.attached", attached)
    return attached


def _check_attachable(account: Account, method: Object) -> None:
    if method["customer"] is not None:
        raise invalid("The payment method you provided has already been attached to a customer.")
    if method["id"] in account.used_up:
        message = (
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again."
        )
        raise invalid(message)
    test = method_of(account, method)
    if test.decline is not None and not test.attachable:
        raise test.decline.error(payment_method=method)


def detach(account: Account, call: Call) -> Object:
    """It can't be attached or used again."""
    call.params.allow_only(("expand",))
    method = account.payment_methods.require(call.id, param="payment_method")
    if method["customer"] is None:
        message = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise invalid(message)
    account.use_up(method["id"])
    detached = account.save(account.payment_methods, method | {"customer": None})
    account.emit("payment_method.detached", detached, method)
    return detached


def list_methods(account: Account, call: Call) -> Object:
    """Of a customer, by `type`."""
    kind = call.params.text("type")
    rest = Parameters({name: value for name, value in call.params.tree.items() if name != "type"})
    if kind is None:
        return listed(account.payment_methods, call, "/v1/payment_methods", ("customer",))
    rest.allow_only(PAGING | {"customer"})
    customer = rest.text("customer")
    where = {} if customer is None else {"customer": customer}
    found, more = account.payment_methods.page(window(rest), where, lambda each: bool(each["type"] == kind))
    return list_object(found, more, "/v1/payment_methods")


def list_of_customer(account: Account, call: Call) -> Object:
    """`/v1/customers/:id/payment_methods`"""
    require_customer(account, call.id)
    params = call.params
    params.allow_only(PAGING | {"type"})
    kind = params.text("type")
    found, more = account.payment_methods.page(
        window(params), {"customer": call.id}, lambda each: kind in (None, each["type"])
    )
    return list_object(found, more, f"/v1/customers/{call.id}/payment_methods")


def retrieve_of_customer(account: Account, call: Call) -> Object:
    """`/v1/customers/:id/payment_methods/:payment_method`"""
    call.params.allow_only(("expand",))
    method = account.payment_methods.get(call.inner)
    if method is None or method["customer"] != require_customer(account, call.id)["id"]:
        raise no_such("PaymentMethod", call.inner, param="payment_method")
    return method
