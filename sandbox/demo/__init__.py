"""`python main.py demo`: a shop, a database and this stand-in on one machine. It is no part of Stripe."""
