import assert from "node:assert/strict"
import { test } from "node:test"
import { balanceOf, isTaken } from "./balance.ts"

const usd = (minorUnits: number) => ({ minorUnits, amount: (minorUnits / 100).toFixed(2), currency: "USD" })
const PAID = { payments: [{ received: usd(1_000) }], refunds: [], disputes: [] }

test("what a bank took in a dispute is not left", () => {
  const order = { ...PAID, disputes: [{ status: "lost", amount: usd(1_000) }] }
  assert.equal(balanceOf(order, usd(1_000)).left.amount, "0.00")
  assert.ok(isTaken(order, usd(1_000)))
})

test("an open dispute, and one that was won, take nothing", () => {
  for (const status of ["needs_response", "under_review", "won", "warning_closed"]) {
    const order = { ...PAID, disputes: [{ status, amount: usd(1_000) }] }
    assert.equal(balanceOf(order, usd(1_000)).left.minorUnits, 1_000, status)
    assert.equal(isTaken(order, usd(1_000)), false)
  }
})

test("a dispute about one of two payments leaves the other", () => {
  const order = { ...PAID, payments: [{ received: usd(1_000) }, { received: usd(1_000) }], disputes: [{ status: "lost", amount: usd(1_000) }] }
  assert.equal(isTaken(order, usd(1_000)), false)
})

test("never less than nothing is left, and other currencies don't count", () => {
  const order = { payments: PAID.payments, refunds: [{ status: "SUCCEEDED" as const, amount: usd(600) }], disputes: [{ status: "lost", amount: usd(1_000) }] }
  assert.equal(balanceOf(order, usd(1_000)).left.minorUnits, 0)
  const yen = { minorUnits: 900, amount: "900", currency: "JPY" }
  assert.equal(balanceOf({ ...PAID, disputes: [{ status: "lost", amount: yen }] }, usd(1_000)).taken.minorUnits, 0)
})
