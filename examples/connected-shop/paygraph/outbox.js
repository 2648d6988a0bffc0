// Paygraph is given every order, at once or later: an order that can't be sent stays in `outbox` until it is.
import { query } from "../shop/database.js"
import { findOrder } from "../shop/orders.js"
import { Refused, importOrder, orderByReference, updateOrder } from "./client.js"

/** Sees to it that Paygraph has the order as it is here, and answers with Paygraph's. Safe to repeat. */
export async function bringUpToDate({ id, number }) {
  const theirs = await orderByReference(number)
  const order = await findOrder(id) // read after theirs: if both change meanwhile, updateOrder refuses and nothing is undone
  const isOld = theirs?.status === "PENDING" && theirs.total.minorUnits !== order.total
  const now = isOld ? await updateOrder(theirs, order) : (theirs ?? (await importOrder(order)))
  await query("UPDATE orders SET paygraph_id = $2 WHERE id = $1", id, now.id)
  await query("DELETE FROM outbox WHERE order_id = $1", id)
  return now
}

/** Sends what is due. What fails is due again after a pause that grows up to five minutes. */
export async function sendDue() {
  const due = await query(
    "SELECT orders.id, number FROM outbox JOIN orders ON orders.id = order_id WHERE due_at <= now() ORDER BY due_at LIMIT 100",
  )
  for (const order of due) await bringUpToDate(order).catch((error) => putOff(order, error))
}

async function putOff({ id, number }, error) {
  const isFinal = error instanceof Refused && !error.retryable // a person has to look: /admin shows it
  console.error(`order ${number} was not sent: ${error.message}`)
  await query(
    `UPDATE outbox SET attempts = attempts + 1, last_error = $2,
       due_at = CASE WHEN $3 THEN 'infinity' ELSE now() + least(300, 2 ^ least(attempts, 9)) * (0.5 + random()) * interval '1 second' END
     WHERE order_id = $1`,
    id, error.message, isFinal,
  )
}
