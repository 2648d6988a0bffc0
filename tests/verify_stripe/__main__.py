"""`make verify-stripe`: prints what differs, and ends with 1 if anything does."""

import asyncio
import os
import sys
from collections.abc import Iterable
from itertools import groupby

from services.stripe_api.account_settings import DEFAULT_API_BASE
from tests.verify_stripe.compare import PROBES, compare, refusal_of
from tests.verify_stripe.normal import Difference


def report(found: Iterable[Difference]) -> str:
    """One paragraph for each probe that differs, one line for each field."""
    lines: list[str] = []
    for probe, differences in groupby(found, key=lambda difference: difference.probe):
        lines.append(f"\n{probe}")
        lines += [
            f"  {each.path}\n    sandbox  {_short(each.sandbox)}\n    Stripe   {_short(each.stripe)}"
            for each in differences
        ]
    return "\n".join(lines)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:157]}…"


def main() -> int:
    key = os.environ.get("STRIPE_TEST_KEY", "").strip()
    base = os.environ.get("STRIPE_TEST_BASE", DEFAULT_API_BASE)
    if not key:
        print(
            "verify-stripe: skipped, STRIPE_TEST_KEY is not set (a secret key of Stripe's test mode, sk_test_…)"
        )
        return 0
    if not key.startswith(("sk_test_", "rk_test_")):
        print("verify-stripe: STRIPE_TEST_KEY must be a key of test mode (sk_test_…); no other is ever used")
        return 2
    if refusal := asyncio.run(refusal_of(base, key)):
        print(f"verify-stripe: {refusal}")
        return 2
    found = asyncio.run(compare(base, key))
    differing = {difference.probe for difference in found}
    print(report(found))
    print(
        f"\n{len(PROBES) - len(differing)} of {len(PROBES)} probes answer alike; {len(found)} fields differ"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
