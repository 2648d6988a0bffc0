"""The sandbox held against Stripe's own test mode: `STRIPE_TEST_KEY=sk_test_… make verify-stripe`.

The same calls go to both, and what differs in the answers is printed: status, bodies, `Stripe-Should-Retry`, events.
Our gateway's contract runs against Stripe too. It makes test payments of an account; it moves no money.
"""
