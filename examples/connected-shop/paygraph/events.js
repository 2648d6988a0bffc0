// The shop hears of paid orders in two ways. A webhook is fast and may be missed; what was missed is pulled.
import { Webhook } from "standardwebhooks"
import { config } from "../shop/config.js"
import { query, transaction } from "../shop/database.js"
import { ship } from "../shop/orders.js"
import { events, orderById, orderByReference } from "./client.js"

const TO_SHIP = ["PAID", "PARTIALLY_REFUNDED"]

/** Takes over how an order stands at Paygraph. Called twice, late or in another order it ends the same. */
export async function refresh(number) {
  for (let isDone = false; !isDone; ) {
    const [order] = await query("SELECT id, paygraph_id, total, looks FROM orders WHERE number = $1", number)
    const theirs = order && (order.paygraph_id ? await orderById(order.paygraph_id) : await orderByReference(number))
    isDone = !theirs || (await takeOver(order, theirs)) // if somebody else was faster, theirs may be old: ask again
  }
}

function takeOver(order, theirs) {
  return transaction(async (query) => {
    const changed = await query(
      "UPDATE orders SET status = $3, looks = looks + 1 WHERE id = $1 AND looks = $2 RETURNING id", order.id, order.looks, theirs.status,
    )
    // Nothing leaves the house for another amount than ours; /admin shows such an order.
    if (changed.length && TO_SHIP.includes(theirs.status) && theirs.total.minorUnits === order.total) await ship(order.id, query)
    return changed.length > 0
  })
}

/** Reads all events since the last time. The cursor is kept after what it points at was done. */
export async function catchUp() {
  for (let hasMore = true; hasMore; ) {
    const [{ cursor }] = await query("SELECT cursor FROM paygraph_events")
    const { nodes, pageInfo } = await events(cursor)
    for (const number of new Set(nodes.map(({ order }) => order?.reference))) if (number) await refresh(number)
    if (pageInfo.endCursor) await query("UPDATE paygraph_events SET cursor = $1", pageInfo.endCursor)
    hasMore = pageInfo.hasNextPage
  }
}

/** What a delivery says, once its signature was checked; `WebhookVerificationError` for what Paygraph did not sign. */
export function verified(body, headers) {
  return new Webhook(config.webhookSecret).verify(body, headers)
}

/** Express handler. Its route needs the body as it came: `express.raw({ type: "*" + "/*" })`. */
export async function receiveWebhook(request, response) {
  let event
  try {
    event = verified(request.body, request.headers)
  } catch (error) {
    return response.status(400).send(error.message)
  }
  await refresh(event.data.reference) // where this fails the answer is 500, and Paygraph sends it again
  response.sendStatus(204)
}
