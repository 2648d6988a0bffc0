"""What Stripe does with intents, charges, refunds, disputes, customers and payment methods."""
