import assert from "node:assert/strict"
import { test } from "node:test"
import { type Filter, filterFrom, orderFilterOf, writeFilter } from "./filter.ts"

const addressOf = (filter: Filter): string => {
  const query = new URLSearchParams()
  writeFilter(filter, query)
  return query.toString()
}

for (const [filter, address] of [
  [{ view: "all" }, ""],
  [{ view: "paid" }, "view=paid"],
  [{ view: "all", reference: "A/1 & 2" }, "reference=A%2F1+%26+2"],
  [{ view: "unpaid", email: "ada+1@shop.example", from: "2026-11-01", to: "2026-11-26" }, "view=unpaid&email=ada%2B1%40shop.example&from=2026-11-01&to=2026-11-26"],
  [{ view: "disputed", user: "auth0|7", intent: "pi_1" }, "view=disputed&user=auth0%7C7&intent=pi_1"],
] satisfies [Filter, string][]) {
  test(`${address || "no filter"} comes back from the address as it was`, () => {
    assert.equal(addressOf(filter), address)
    assert.deepEqual(filterFrom(new URLSearchParams(address)), filter)
  })
}

for (const address of ["view=nothing", "view=toString", "view=__proto__", "from=yesterday", "from=2026-02-30", "to=2026-1-1", "reference=+", "else=1"]) {
  test(`${address} filters nothing`, () => assert.deepEqual(filterFrom(new URLSearchParams(address)), { view: "all" }))
}

test("each view asks for its orders", () => {
  assert.deepEqual(orderFilterOf({ view: "all" }), {})
  assert.deepEqual(orderFilterOf({ view: "unpaid" }), { statuses: ["PENDING"] })
  assert.deepEqual(orderFilterOf({ view: "bank" }), { processing: true })
  assert.deepEqual(orderFilterOf({ view: "refunded" }), { statuses: ["PARTIALLY_REFUNDED", "REFUNDED"] })
  assert.deepEqual(orderFilterOf({ view: "disputed", email: "a@b.example" }), { disputed: true, receiptEmail: "a@b.example" })
})

test("days are the reader's, and the last one is included, however long it is", () => {
  const before = process.env["TZ"]
  process.env["TZ"] = "Europe/Berlin"
  try {
    const day = { view: "all", from: "2026-10-25", to: "2026-10-25" } as const // the day on which summer time ends
    assert.deepEqual(orderFilterOf(day), { createdFrom: "2026-10-24T22:00:00.000Z", createdBefore: "2026-10-25T23:00:00.000Z" })
  } finally {
    if (before === undefined) delete process.env["TZ"]
    else process.env["TZ"] = before
  }
})
