import assert from "node:assert/strict"
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { test } from "node:test"
import { failureOf } from "./failure.ts"
import { timedFetch } from "./timed-fetch.ts"

test("a server that takes the call and never says a word is given up, and counts as lost", async () => {
  const silent = createServer().listen(0, "127.0.0.1")
  await once(silent, "listening")
  const { port } = silent.address() as AddressInfo
  const error = await timedFetch(50)(`http://127.0.0.1:${port}/`).catch((reason: unknown) => reason)
  assert.equal(failureOf(error), "lost")
  silent.close()
})

test("whoever no longer wants the answer ends the call", async () => {
  const silent = createServer().listen(0, "127.0.0.1")
  await once(silent, "listening")
  const { port } = silent.address() as AddressInfo
  const wanted = new AbortController()
  const call = timedFetch(60_000)(`http://127.0.0.1:${port}/`, { signal: wanted.signal })
  wanted.abort()
  await assert.rejects(call, { name: "AbortError" })
  silent.close()
})
