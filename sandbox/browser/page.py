"""The sandbox's 3-D Secure page: one self-contained file, usable by keyboard and screen reader, without scripts."""

from html import escape
from string import Template
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sandbox.http.answers import Object
from sandbox.objects.currencies import in_major_units

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>Approve the payment · Stripe sandbox</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { max-width: 24rem; padding: 1.5rem; }
.amount { font-size: 2rem; font-weight: 600; margin: 0.5rem 0; }
form { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.5rem; }
button { flex: 1 1 9rem; min-height: 2.75rem; font: inherit; cursor: pointer; }
button { border-radius: 0.5rem; border: 2px solid #4a3fd0; }
.approve { background: #4a3fd0; color: #fff; }
.refuse { background: transparent; color: inherit; }
button:focus-visible { outline: 3px solid #e0a100; outline-offset: 2px; }
</style>
</head>
<body>
<main>
<h1>Is it you?</h1>
<p>$question This is a test: no money moves.</p>
<p class="amount">$amount</p>
<form method="post" action="$action">
<input type="hidden" name="client_secret" value="$secret">
<button class="approve" name="outcome" value="approve">Approve</button>
<button class="refuse" name="outcome" value="refuse">Refuse</button>
</form>
</main>
</body>
</html>
""")
_DONE = Template("""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>$title · Stripe sandbox</title></head>
<body><main><h1>$title</h1><p>You may close this page.</p></main></body>
</html>
""")
_REDIRECT_STATUS = {"succeeded": "succeeded", "requires_capture": "succeeded", "processing": "pending"}


def authentication_page(intent: Object) -> str:
    """The question, with both answers."""
    return _PAGE.substitute(
        question=escape(_question(intent)),
        amount=escape(_amount(intent)),
        action=escape(f"/_sandbox/payment_intents/{intent['id']}/authenticate"),
        secret=escape(intent["client_secret"]),
    )


def _question(intent: Object) -> str:
    if intent["object"] == "setup_intent":
        return "Your bank asks whether you save this card for later payments."
    return "Your bank asks whether you make this payment."


def _amount(intent: Object) -> str:
    if intent["object"] == "setup_intent":
        return "Nothing to pay now"
    return f"{in_major_units(intent['amount'], intent['currency'])} {intent['currency'].upper()}"


def closing_page(title: str) -> str:
    return _DONE.substitute(title=escape(title))


def back_to_shop(intent: Object, return_url: str) -> str:
    """The return_url with what Stripe adds: the intent's id and secret under its name, and redirect_status."""
    parts = urlsplit(return_url)
    added = {
        intent["object"]: intent["id"],
        f"{intent['object']}_client_secret": intent["client_secret"],
        "redirect_status": _REDIRECT_STATUS.get(intent["status"], "failed"),
    }
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added.items()])
    return urlunsplit(parts._replace(query=query))
