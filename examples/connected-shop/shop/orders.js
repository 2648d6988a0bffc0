// The shop's own orders: its prices, its shipping, its vouchers, its taxes. Paygraph computes none of it.
import { query, transaction } from "./database.js"

export const SHIPPING = { parcel: { name: "Parcel", price: 490 }, express: { name: "Express", price: 1290 } }
export const isShipping = (id) => Object.hasOwn(SHIPPING, id ?? "")
export const CURRENCY = "EUR"
const VAT = 19 // per cent, on top of all prices

export const allProducts = () => query("SELECT * FROM products ORDER BY sku")

/** Lines of every kind and their total, as the customer is shown them. Amounts are cents. */
export function priced(products, shipping, voucher) {
  const goods = products.reduce((sum, line) => sum + line.quantity * line.unitAmount, 0)
  const discount = voucher ? Math.round((goods * voucher.percent) / 100) : 0
  const net = goods - discount + SHIPPING[shipping].price
  const tax = Math.round((net * VAT) / 100)
  const lines = [
    ...products,
    { kind: "SHIPPING", reference: shipping, name: SHIPPING[shipping].name, quantity: 1, unitAmount: SHIPPING[shipping].price },
    { kind: "TAX", name: `VAT ${VAT} %`, quantity: 1, unitAmount: tax },
  ]
  if (discount) lines.push({ kind: "DISCOUNT", reference: voucher.code, name: `Voucher ${voucher.code}`, quantity: 1, unitAmount: discount })
  return { lines, total: net + tax }
}

/** Places an order, and notes in the same transaction that Paygraph has to be given it. `quantities` is by SKU; null for none. */
export async function placeOrder({ user, email, quantities, shipping, voucherCode }) {
  const all = (await allProducts()).map(({ sku, name, price }) => ({
    kind: "PRODUCT", reference: sku, name, quantity: Math.min(99, Math.trunc(Number(quantities[sku]))), unitAmount: price,
  }))
  const products = all.filter(({ quantity }) => quantity > 0)
  if (!products.length) return null
  const voucher = await findVoucher(voucherCode)
  const { lines, total } = priced(products, shipping, voucher)
  return transaction(async (query) => {
    const [order] = await query(
      "INSERT INTO orders (user_id, email, shipping, voucher, lines, total) VALUES ($1, $2, $3, $4, $5, $6) RETURNING *",
      user?.id ?? null, email, shipping, voucher?.code ?? null, JSON.stringify(lines), total,
    )
    await query("INSERT INTO outbox (order_id) VALUES ($1)", order.id)
    return order
  })
}

/** The order as it would be with another way of shipping. Nothing is written. */
export async function withShipping(order, shipping) {
  const products = order.lines.filter(({ kind }) => kind === "PRODUCT")
  return { ...order, shipping, ...priced(products, shipping, await findVoucher(order.voucher)) }
}

export async function saveOrder({ id, shipping, lines, total }) {
  await query("UPDATE orders SET shipping = $2, lines = $3, total = $4 WHERE id = $1", id, shipping, JSON.stringify(lines), total)
}

async function findVoucher(code) {
  return (await query("SELECT * FROM vouchers WHERE code = upper($1)", code || ""))[0]
}

export async function findOrder(id) {
  if (!/^[0-9a-f-]{36}$/.test(id)) return undefined
  return (await query("SELECT * FROM orders WHERE id = $1", id))[0]
}

/** Every order, newest first, with the time at which it was handed to the warehouse. */
export async function allOrders() {
  return query(`
    SELECT orders.*, shipments.created_at AS shipped_at, outbox.last_error
    FROM orders LEFT JOIN shipments ON shipments.order_id = orders.id LEFT JOIN outbox ON outbox.order_id = orders.id
    ORDER BY orders.created_at DESC LIMIT 100`)
}

/** One parcel for an order, however often this is called. */
export async function ship(orderId, run = query) {
  await run("INSERT INTO shipments (order_id) VALUES ($1) ON CONFLICT DO NOTHING", orderId)
}
