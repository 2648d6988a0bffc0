// The shop hears of paid orders in two ways. A webhook is fast and may be missed; what was missed is pulled.
import { Webhook } from "standardwebhooks"
import { config } from "../shop/config.js"
import { query, transaction } from "../shop/database.js"
import { ship } from "../shop/orders.js"
import { events, orderById, orderByReference } from "./client.js"

const TO_SHIP = ["PAID", "PARTIALLY_REFUNDED"]

/**
 * Takes over how an order stands at Paygraph. Called twice, late or in another order it ends the same.
 * `event`, its `revision` and time (`at`), is why it is asked for, if an event is.
 */
export async function refresh(number, event) {
  for (let isDone = false; !isDone; ) {
    const [order] = await query("SELECT id, paygraph_id, total, looks, revision, asked_at FROM orders WHERE number = $1", number)
    if (!order || (event && isKnown(order, event))) return
    const askedAt = new Date()
    const theirs = order.paygraph_id ? await orderById(order.paygraph_id) : await orderByReference(number)
    isDone = !theirs || (await takeOver(order, theirs, askedAt)) // if somebody else was faster, theirs may be old: ask again
  }
}

/**
 * Whether what the shop has of the order is as new as the event. One that happened after the shop asked last is new in
 * any case: when a backup of Paygraph's was restored, its revisions count again from where they were then.
 */
export function isKnown(order, event) {
  return event.revision != null && event.revision <= order.revision && new Date(event.at) <= order.asked_at
}

function takeOver(order, theirs, askedAt) {
  return transaction(async (query) => {
    const changed = await query(
      "UPDATE orders SET status = $3, revision = $4, asked_at = $5, looks = looks + 1 WHERE id = $1 AND looks = $2 RETURNING id",
      order.id, order.looks, theirs.status, theirs.revision, askedAt,
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
    for (const { order, orderRevision, createdAt } of nodes) {
      if (order?.reference) await refresh(order.reference, { revision: orderRevision, at: createdAt })
    }
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
  const { reference, revision } = event.data
  await refresh(reference, { revision, at: event.timestamp }) // where this fails the answer is 500, and Paygraph sends it again
  response.sendStatus(204)
}
