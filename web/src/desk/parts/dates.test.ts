import assert from "node:assert/strict"
import { test } from "node:test"
import { dayOf, daysUntil, fieldMinute, inDays, tableDate } from "./dates.ts"

const NOW = new Date(2026, 10, 26, 23, 30)
const at = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString()

test("days are counted by the calendar, not by hours", () => {
  assert.equal(daysUntil(at(2026, 10, 27, 0, 10), NOW), 1)
  assert.equal(daysUntil(at(2026, 10, 26, 0, 10), NOW), 0)
  assert.equal(daysUntil(at(2026, 10, 25, 23, 59), NOW), -1)
  assert.equal(inDays(at(2026, 10, 27, 0, 10), NOW), "tomorrow")
})

test("a day ends at the next midnight, also when the clocks change", () => {
  const { from, to } = dayOf(NOW)
  assert.deepEqual([new Date(from), new Date(to)], [new Date(2026, 10, 26), new Date(2026, 10, 27)])
  for (const month of [2, 9]) {
    const { from: begins, to: ends } = dayOf(new Date(2026, month, month === 2 ? 29 : 25, 12))
    assert.deepEqual([new Date(begins).getHours(), new Date(ends).getHours()], [0, 0])
  }
})

test("a field has the minute in which a moment lies", () => {
  assert.equal(fieldMinute(new Date(2026, 0, 2, 3, 4, 59)), "2026-01-02T03:04")
  assert.equal(new Date(fieldMinute(NOW)).getTime(), NOW.getTime())
})

test("a date is as short as it can be", () => {
  assert.doesNotMatch(tableDate(at(2026, 10, 26, 9, 5), NOW), /2026|Nov/)
  assert.match(tableDate(at(2026, 10, 1, 9, 5), NOW), /Nov.*09:05|1.*Nov/)
  assert.match(tableDate(at(2025, 10, 1, 9, 5), NOW), /2025/)
})
