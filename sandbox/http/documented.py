"""Parameters that Stripe documents for these endpoints and the sandbox does not do: it says so, and ignores none.

`tests/sandbox/test_openapi.py` compares them with Stripe's OpenAPI.
"""

BEYOND = frozenset((
    "acss_debit", "affirm", "afterpay_clearpay", "alipay", "allow_redisplay", "alma", "amazon_pay",
    "amount_to_confirm", "api_version", "application_fee_amount", "attach_to_self", "au_becs_debit", "bacs_debit",
    "balance", "bancontact", "bank_account", "billie", "bizum", "blik", "boleto", "business_name", "card",
    "cash_balance", "cashapp", "confirmation_token", "connect", "crypto", "currency", "custom", "customer",
    "customer_account", "customer_balance", "default_alipay_account", "default_bank_account", "default_card",
    "default_source", "ending_before", "eps", "flow_directions", "fpx", "giropay", "grabpay", "hooks", "ideal",
    "individual_name", "instructions_email", "interac_present", "invoice_prefix", "invoice_settings", "kakao_pay",
    "klarna", "konbini", "kr_card", "link", "mandate", "mb_way", "mobilepay", "multibanco", "naver_pay",
    "next_invoice_sequence", "nz_bank_account", "on_behalf_of", "origin", "oxxo", "p24", "page", "pay_by_bank",
    "payco", "payment_details", "payment_method", "payment_method_configuration", "paynow", "payout", "paypal",
    "payto", "pix", "preferred_locales", "promptpay", "refund_application_fee", "reverse_transfer", "revolut_pay",
    "samsung_pay", "satispay", "scalapay", "single_use", "sofort", "source", "starting_after", "statement_descriptor",
    "statement_descriptor_suffix", "sunbit", "swish", "tax", "tax_exempt", "tax_id_data", "test_clock",
    "transfer_data", "transfer_group", "twint", "type", "upi", "us_bank_account", "wechat_pay", "zip",
))  # fmt: skip
