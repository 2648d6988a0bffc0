import assert from "node:assert/strict"
import { afterEach, beforeEach, mock, test } from "node:test"
import { ApolloClient, ApolloLink, InMemoryCache, ServerError, gql } from "@apollo/client"
import { of, throwError } from "rxjs"
import { type Failure, failureOf, messageOf } from "./failure.ts"
import { type Attempt, failing, retrying } from "./links.ts"

type Answer = ApolloLink.Result | Error
const answer = (code?: string): Answer =>
  code ? { data: null, errors: [{ message: "for developers", extensions: { code } }] } : { data: { done: true } }
const LOST = new TypeError("Failed to fetch")

/** A server that gives these answers in turn, the last one for ever. */
function serverOf(answers: Answer[]) {
  const notes: (Failure | null)[] = []
  let calls = 0
  const server = new ApolloLink(() => {
    const next = answers[Math.min(calls++, answers.length - 1)] ?? LOST
    return next instanceof Error ? throwError(() => next) : of(next)
  })
  const link = ApolloLink.from([retrying((_, failure) => void notes.push(failure)), failing, server])
  return { client: new ApolloClient({ link, cache: new InMemoryCache() }), calls: () => calls, notes }
}

const ORDER = gql`mutation Order($input: Input!) { done(input: $input) }`
const WITH_KEY = { input: { idempotencyKey: "k" } }

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }))
afterEach(() => mock.timers.reset())

/** Lets pauses pass until the call has ended. */
async function settle<T>(call: Promise<T>): Promise<T> {
  let isOver = false
  const end = call.finally(() => (isOver = true))
  end.catch(() => null)
  while (!isOver) {
    await new Promise((go) => setImmediate(go))
    mock.timers.tick(4_000)
  }
  return end
}

for (const [what, failures, wanted] of [
  ["a lost answer", LOST, 24],
  ["a 502 of the edge", new ServerError("bad gateway", { response: new Response("", { status: 502 }), bodyText: "" }), 24],
  ["a database that is away", answer("SERVICE_UNAVAILABLE"), 24],
  ["a server without time", answer("TIMEOUT"), 3],
  ["a fault", answer("INTERNAL_SERVER_ERROR"), 2],
  ["a token that ended", answer("UNAUTHENTICATED"), 1],
] as const) {
  test(`${what} is asked about ${wanted} times in all`, async () => {
    const { client, calls } = serverOf([failures])
    const attempt: Attempt = { unclear: false }
    const call = client.mutate({ mutation: ORDER, variables: WITH_KEY, context: { attempt } })
    await assert.rejects(settle(call))
    assert.equal(calls(), wanted)
    assert.equal(attempt.unclear, wanted > 1)
  })
}

test("a refusal is an answer, and repeated by nobody", async () => {
  const { client, calls } = serverOf([answer("BAD_USER_INPUT")])
  const error = await settle(client.mutate({ mutation: ORDER, variables: WITH_KEY })).catch((reason: unknown) => reason)
  assert.equal(failureOf(error), "refused")
  assert.equal(calls(), 1)
})

test("what comes in the end is the answer, and the customer hears meanwhile why it takes so long", async () => {
  const { client, notes } = serverOf([LOST, answer("TIMEOUT"), answer()])
  const attempt: Attempt = { unclear: false }
  const { data } = await settle(client.mutate({ mutation: ORDER, variables: WITH_KEY, context: { attempt } }))
  assert.deepEqual(data, { done: true })
  assert.deepEqual(notes, ["lost", "late"])
  assert.ok(attempt.unclear, "had it ended otherwise, nobody could say that nothing was done")
})

test("a mutation whose input has no key is never sent twice", async () => {
  const { client, calls } = serverOf([LOST])
  await assert.rejects(settle(client.mutate({ mutation: ORDER, variables: { input: {} } })))
  assert.equal(calls(), 1)
})

test("nor is one that says that it must not be", async () => {
  const { client, calls } = serverOf([LOST])
  await assert.rejects(settle(client.mutate({ mutation: ORDER, variables: WITH_KEY, context: { once: true } })))
  assert.equal(calls(), 1)
})

test("a customer is never told what is meant for developers", async () => {
  for (const code of ["UNAUTHENTICATED", "TIMEOUT", "INTERNAL_SERVER_ERROR", "FORBIDDEN"]) {
    const { client } = serverOf([answer(code)])
    const error = await settle(client.mutate({ mutation: ORDER, variables: WITH_KEY })).catch((reason: unknown) => reason)
    assert.doesNotMatch(messageOf(error), /developers/)
  }
})
