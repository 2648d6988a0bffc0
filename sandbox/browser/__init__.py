"""What a customer's browser loads: a small Stripe.js and the 3-D Secure page."""
