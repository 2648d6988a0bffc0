import "../settings-for-tests.js"
import assert from "node:assert/strict"
import { test } from "node:test"

const { priced } = await import("./orders.js")
const LAMPS = { kind: "PRODUCT", reference: "LAMP", name: "Desk lamp", quantity: 2, unitAmount: 8_900 }
const sum = (lines) => lines.reduce((total, { kind, quantity, unitAmount }) => total + (kind === "DISCOUNT" ? -1 : 1) * quantity * unitAmount, 0)

test("the total is the sum of the lines, to the cent, or Paygraph refuses the order", () => {
  for (const voucher of [undefined, { code: "WELCOME", percent: 10 }, { code: "ODD", percent: 33 }]) {
    for (const shipping of ["parcel", "express"]) {
      const { lines, total } = priced([LAMPS], shipping, voucher)
      assert.equal(sum(lines), total)
    }
  }
})

test("tax is on what is left after the voucher, and on shipping", () => {
  const { lines, total } = priced([LAMPS], "parcel", { code: "WELCOME", percent: 10 })
  assert.equal(lines.find(({ kind }) => kind === "TAX").unitAmount, 3_137) // 19 % of 178.00 − 17.80 + 4.90
  assert.equal(total, 19_647)
})
