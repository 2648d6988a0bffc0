import assert from "node:assert/strict"
import { afterEach, beforeEach, mock, test } from "node:test"
import { parse } from "graphql"
import { fetcherOf } from "./fetcher.ts"

/** A WebSocket that a test closes as a server does. */
class Wire {
  static all: Wire[] = []
  static readonly OPEN = 1
  readyState = 1
  onopen = () => {}
  onclose = (_: object) => {}

  constructor() {
    Wire.all.push(this)
  }
  send() {}
  close() {
    this.readyState = 3
  }
}
Object.assign(globalThis, { WebSocket: Wire, location: { href: "http://127.0.0.1/" } })
const QUERY = "subscription { orderUpdated { id } }"

beforeEach(() => {
  Wire.all = []
  mock.timers.enable({ apis: ["setTimeout"] })
})
afterEach(() => mock.timers.reset())

const breathe = () => new Promise((go) => setImmediate(go))

function follow(headers: Record<string, string>) {
  const told: string[] = []
  const followed = fetcherOf("/graphql")({ query: QUERY }, { headers, documentAST: parse(QUERY) }) as {
    subscribe: (observer: object) => { unsubscribe: () => void }
  }
  const { unsubscribe } = followed.subscribe({
    next: (answer: unknown) => told.push(JSON.stringify(answer)), error: () => told.push("an error"), complete: () => told.push("over"),
  })
  return { told, unsubscribe }
}
async function ends(code: number, reason: string) {
  Wire.all.at(-1)?.onclose({ code, reason, wasClean: true })
  for (let round = 0; round < 15; round++) {
    mock.timers.tick(1_000)
    await breathe()
  }
}

test("a token in the headers that has ended ends what follows with it, in words: it would be sent again for ever", async () => {
  const { told } = follow({ authorization: "Bearer dead" })
  await breathe()
  await ends(4403, "the token has expired")
  assert.match(told.join(), /The server closed the connection: the token has expired \(4403\)/)
  assert.ok(told.includes("over"))
  assert.equal(Wire.all.length, 1)
})

test("a connection that is lost is made anew, with that token too", async () => {
  const { told, unsubscribe } = follow({ Authorization: "Bearer alive" })
  await breathe()
  await ends(1006, "")
  assert.match(told.join(), /Trying again/)
  assert.ok(!told.includes("over"))
  assert.equal(Wire.all.length, 2)
  unsubscribe()
})
