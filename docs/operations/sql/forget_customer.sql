-- Forget a customer, as paygraph_owner: what money did stays, whose it was goes. By their id and their e-mail address,
-- of which either may be empty:
--   psql --set ON_ERROR_STOP=1 --set customer=ada --set email=ada@example.com --file forget_customer.sql
-- Orders that are pending or under review keep theirs until they have ended: run it again then.
BEGIN;
CREATE TEMPORARY TABLE forgotten ON COMMIT DROP AS
    SELECT id FROM orders
    WHERE (user_id = :'customer' OR lower(receipt_email) = lower(:'email')) AND status NOT IN ('pending', 'review');
UPDATE payments SET stripe_parameters = NULL WHERE order_id IN (SELECT id FROM forgotten);
UPDATE refunds SET note = NULL, customer_message = NULL
    WHERE payment_id IN (SELECT id FROM payments WHERE order_id IN (SELECT id FROM forgotten));
UPDATE declines SET user_id = NULL, address = NULL WHERE order_id IN (SELECT id FROM forgotten);
UPDATE orders SET canceled_by = NULL WHERE canceled_by = :'customer' AND id IN (SELECT id FROM forgotten);
UPDATE orders SET user_id = NULL, receipt_email = NULL, idempotency_key = NULL, import_digest = NULL, shop_metadata = '{}'
    WHERE id IN (SELECT id FROM forgotten);
COMMIT;
