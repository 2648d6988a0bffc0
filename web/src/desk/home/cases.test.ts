import assert from "node:assert/strict"
import { test } from "node:test"
import { byUrgency } from "./cases.ts"

test("what is due first comes first, then what waits longest", () => {
  const cases = [
    { name: "new", dueBy: null, openedAt: "2026-11-26T00:00:00Z" },
    { name: "old", dueBy: null, openedAt: "2026-11-01T00:00:00Z" },
    { name: "later", dueBy: "2026-12-24T00:00:00Z", openedAt: "2026-11-02T00:00:00Z" },
    { name: "soon", dueBy: "2026-11-27T00:00:00Z", openedAt: "2026-11-25T00:00:00Z" },
  ]
  assert.deepEqual(cases.sort(byUrgency).map(({ name }) => name), ["soon", "later", "old", "new"])
})
