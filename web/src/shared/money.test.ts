import assert from "node:assert/strict"
import { test } from "node:test"
import { type CountedAmount, amountOf, formatMoney, minorUnitsOf, sum } from "./money.ts"

const usd = (minorUnits: number, amount: string): CountedAmount => ({ minorUnits, amount, currency: "USD" })
const PRICE = usd(1_999, "19.99")
const YEN: CountedAmount = { minorUnits: 8_800, amount: "8800", currency: "JPY" }
const DINAR: CountedAmount = { minorUnits: 12_750, amount: "12.750", currency: "KWD" }
const KRONA: CountedAmount = { minorUnits: 50_000, amount: "500", currency: "ISK" } // charged in hundredths that it hasn't

test("an amount is shown with the server's digits, in the reader's language", () => {
  assert.equal(formatMoney(PRICE, "en-US"), "$19.99")
  assert.equal(formatMoney(PRICE, "de-DE"), "19,99\u00a0$")
  assert.equal(formatMoney(YEN, "en-US"), "¥8,800")
  assert.equal(formatMoney(DINAR, "en-US"), "KWD\u00a012.750")
  assert.equal(formatMoney(KRONA, "en-US"), "ISK\u00a0500")
})

test("an amount that no double holds is shown to the last digit", () => {
  assert.equal(formatMoney(usd(9_007_199_254_740_991, "90071992547409.91"), "en-US"), "$90,071,992,547,409.91")
})

test("sums are exact and keep the digits of their currency", () => {
  assert.deepEqual(sum([{ price: PRICE, quantity: 3 }, { price: usd(1, "0.01"), quantity: 4 }]), usd(6_001, "60.01"))
  assert.deepEqual(sum([{ price: DINAR, quantity: 2 }]), { ...DINAR, minorUnits: 25_500, amount: "25.500" })
  assert.deepEqual(sum([{ price: KRONA, quantity: 2 }]), { ...KRONA, minorUnits: 100_000, amount: "1000" })
  assert.equal(sum([]), null)
})

test("minor units are shown as an amount of the same currency", () => {
  assert.deepEqual(amountOf(5, PRICE), usd(5, "0.05"))
  assert.deepEqual(amountOf(0, PRICE), usd(0, "0.00"))
  assert.deepEqual(amountOf(30_000, KRONA), { ...KRONA, minorUnits: 30_000, amount: "300" })
})

for (const [typed, like, wanted] of [
  ["5", PRICE, 500], ["5.9", PRICE, 590], ["5,99", PRICE, 599], [" 19.99 ", PRICE, 1_999], ["0.01", PRICE, 1],
  ["500", YEN, 500], ["1.23", DINAR, 1_230], ["1.230", DINAR, 1_230], ["0.010", DINAR, 10], ["300", KRONA, 30_000],
] as const) {
  test(`${JSON.stringify(typed)} is ${wanted} minor units of ${like.currency}`, () => assert.equal(minorUnitsOf(typed, like), wanted))
}

for (const [typed, like] of [
  ["5.999", PRICE], ["1,000.00", PRICE], ["1,000", PRICE], ["1e3", PRICE], ["-5", PRICE], ["0", PRICE], ["0.00", PRICE],
  ["", PRICE], ["five", PRICE], ["５", PRICE], ["5.", PRICE], [".5", PRICE], ["5 0", PRICE], ["0x5", PRICE],
  ["500.5", YEN], ["1.234", DINAR], ["0.001", DINAR], ["1.2345", DINAR], ["300.5", KRONA], ["99999999999999999", PRICE], ["999999999999999", PRICE],
] as const) {
  test(`${JSON.stringify(typed)} is no amount of ${like.currency}`, () => assert.equal(minorUnitsOf(typed, like), null))
}
