"""Events on their way to a shop: which endpoint gets them, in which form, signed and retried."""
