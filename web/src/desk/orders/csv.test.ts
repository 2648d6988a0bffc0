import assert from "node:assert/strict"
import { test } from "node:test"
import { type Exported, csvOf } from "./csv.ts"

const usd = (minorUnits: number, amount: string) => ({ minorUnits, amount, currency: "USD" })
const ORDER: Exported = {
  id: "1", reference: "A-1001", createdAt: "2026-11-26T10:00:00Z", userId: "ada", receiptEmail: null, status: "PARTIALLY_REFUNDED",
  total: usd(1_999, "19.99"),
  payments: [{ received: usd(1_999, "19.99"), paymentIntentId: "pi_1", status: "SUCCEEDED" }, { received: usd(0, "0.00"), paymentIntentId: null, status: "FAILED" }],
  refunds: [{ status: "SUCCEEDED", amount: usd(500, "5.00") }, { status: "FAILED", amount: usd(100, "1.00") }],
  disputes: [],
}
const [, ...lines] = csvOf([ORDER]).split("\r\n")

test("an order is a line, with what arrived, what went back and what is left", () => {
  assert.deepEqual(lines, ["2026-11-26T10:00:00Z,1,A-1001,ada,,partially_refunded,USD,19.99,19.99,5.00,14.99,pi_1,,0.00", ""])
})

test("the first line names the columns, and spreadsheets know that it is UTF-8", () => {
  assert.match(csvOf([]), /^\uFEFFplaced,order,reference,user,email,/)
})

for (const [text, written] of [
  ['Ada "the first"', '"Ada ""the first"""'],
  ["a,b", '"a,b"'],
  ["two\nlines", '"two\nlines"'],
  ["=HYPERLINK(1)", "'=HYPERLINK(1)"],
  ["+49 30", "'+49 30"],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["-2+3", "'-2+3"],
  ["-5", "-5"],
  ["=1,2", "\"'=1,2\""],
  ["a;=1+1", "\"a;'=1+1\""], // a spreadsheet whose cells end with semicolons
  ["a\n=1+1", "\"a\n'=1+1\""],
  ["a\t@SUM(A1)", "\"a\t'@SUM(A1)\""],
  ["  =1+1", "'  =1+1"],
  ["\uFF1D1+1", "'\uFF1D1+1"],
  ["a; b", '"a; b"'],
] as const) {
  test(`${JSON.stringify(text)} stays a text`, () => {
    const [, , , user] = csvOf([{ ...ORDER, reference: null, userId: text }]).split("\r\n").slice(1).join("\r\n").split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)
    assert.equal(user, written)
  })
}
