"""What the database judges by its clock, it also dates by its clock.

The servers' clocks may differ from the database's by minutes: an order that a server gives half an hour would expire at
once, or a sweep of this minute would count as one of an hour ago. So a moment that is kept or compared in the database
is its `now()`; the places that ask a server for the time are listed here, each with its reason.
"""

import ast
from pathlib import Path

from tests.unit.house.test_house import ROOT, files, tree_of

ROOMS = ("graph", "models", "services", "main.py", "settings.py")
ALLOWED = {
    "graph/context.py": "the end of a token, which its issuer dated",
    "graph/serving/socket.py": "the end of a token",
    "services/identity/public_keys.py": "when an issuer's keys were read, for this process alone",
    "services/identity/service_keys.py": "the end of a key, which whoever makes it dates",
    "services/identity/tokens.py": "the end of a token",
    "services/notifications/order_subscription.py": "the end of a token",
    "services/notifications/webhook_dispatcher.py": "a signature, which its receiver judges",
    "services/operations/doctor/stripe_account.py": "our clock beside Stripe's",
    "services/operations/health.py": "our clock beside Stripe's",
    "services/orders/imports.py": "a moment of the past in a request, which would make no sense",
    "services/reconciliation/sweep.py": "an empty list is asked for, to hear whether Stripe answers",
    "services/reconciliation/sweep_step.py": "Stripe's time where Stripe doesn't tell it",
    "services/stripe_api/signatures.py": "a signature of Stripe's",
}


def asks_for_the_time(node: ast.AST) -> bool:
    """Also where the clock is handed over, such as `now: Callable[[], float] = time.time`."""
    return isinstance(node, ast.Attribute) and ast.unparse(node) in (
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "time.time",
    )


def askers() -> set[str]:
    found = [file for file in files("*.py") if file.relative_to(ROOT).parts[0] in ROOMS]
    return {named(file) for file in found if any(map(asks_for_the_time, ast.walk(tree_of(file))))}


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_moments_in_the_database_are_the_databases() -> None:
    assert askers() == set(ALLOWED)
