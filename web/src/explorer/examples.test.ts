import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { test } from "node:test"
import { buildSchema, parse, validate } from "graphql"
import { examplesOf, nameOf } from "./examples.ts"
import { problemOf } from "./fetcher.ts"
import { madeExamples } from "./made-examples.ts"

const schema = buildSchema(await readFile(new URL("../../../schema.graphql", import.meta.url), "utf8"))
const written = examplesOf({ productId: "p", orderId: "o", paidOrderId: "q" })
const all = [...written, ...madeExamples(schema, written)]

for (const example of all) {
  test(`${nameOf(example)} is a valid operation`, () => {
    assert.deepEqual(validate(schema, parse(example.query)), [])
    JSON.parse(example.variables ?? "{}")
  })
}

test("there is an example for every mutation and for every role", () => {
  const names = new Set(all.map((example) => nameOf(example).toLowerCase()))
  for (const name of Object.keys(schema.getMutationType()?.getFields() ?? {})) assert.ok(names.has(name.toLowerCase()), name)
  assert.deepEqual([...new Set(all.map(({ role }) => role))].sort(), ["anyone", "customer", "merchant"])
})

test("what a socket says when it ends can be read", () => {
  assert.deepEqual(problemOf({ isTrusted: true }), { errors: [{ message: "The server isn’t answering." }] })
  assert.deepEqual(problemOf({ code: 4401, reason: "no token" }), { errors: [{ message: "The server closed the connection: no token (4401)." }] })
  assert.deepEqual(problemOf([{ message: "No such order." }]), { errors: [{ message: "No such order." }] })
})
