import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from "@apollo/client"
import { RetryLink } from "@apollo/client/link/retry"
import { print } from "graphql"
import { finalize, map, tap } from "rxjs"
import type { Config, DemoUser } from "../config.ts"
import possibleTypes from "../gql/possible-types.ts"
import { type Failure, failureOf } from "./failure.ts"
import { record } from "./recorder.ts"
import { Store } from "./store.ts"

/** Whom the page speaks for. The token is nowhere but here. */
export const user = new Store<DemoUser | null>(null)

/** Why the server is being asked again, while it is. */
export const trouble = new Store<Failure | null>(null)
const repeated = new Map<ApolloLink.Operation, Failure>()

function note(operation: ApolloLink.Operation, failure: Failure | null): void {
  if (failure) repeated.set(operation, failure)
  else repeated.delete(operation)
  trouble.set([...repeated.values()].at(-1) ?? null)
}

export function buildClient(config: Config): ApolloClient {
  return new ApolloClient({
    link: ApolloLink.from([recorder, again, signIn, unfinished, new HttpLink({ uri: config.graphql })]),
    cache: new InMemoryCache(possibleTypes),
    defaultOptions: { watchQuery: { fetchPolicy: "cache-and-network" } },
  })
}

const recorder = new ApolloLink((operation, forward) => {
  const kind = operation.operationType === "mutation" ? "mutation" : "query"
  const finish = record({
    kind, name: operation.operationName ?? kind, source: print(operation.query), variables: operation.variables,
  })
  return forward(operation).pipe(
    tap({
      next: (answer) => finish(answer),
      error: (error: unknown) => finish({ error: error instanceof Error ? error.message : String(error) }),
    }),
    finalize(() => note(operation, null)),
  )
})

/** How often a failure is met with another call: a minute of a server that restarts, or of one that is too busy. */
const ATTEMPTS: Record<Failure, number> = { lost: 12, late: 3, fault: 2, refused: 1 }

/** Each pause is a random part of one that doubles, up to four seconds: those who were cut off don't come back at once. */
const again = new RetryLink({
  delay: { initial: 300, max: 4_000, jitter: true },
  attempts: (count, operation, error) => {
    const failure = failureOf(error)
    const repeat = count < ATTEMPTS[failure] && isSafeToRepeat(operation)
    note(operation, repeat ? failure : null)
    return repeat
  },
})

/** Queries, and mutations too: an order has one intent and is canceled once; what is made or given back has its key. */
function isSafeToRepeat({ variables }: ApolloLink.Operation): boolean {
  const input = variables["input"] as { idempotencyKey?: string | null } | undefined
  return !input || Boolean(input.idempotencyKey)
}

/** The server tells in `errors`, as an answer, that it gave up. RetryLink repeats what fails, so here it fails. */
const unfinished = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    map((answer) => {
      if (!answer.errors?.length) return answer
      const error = new CombinedGraphQLErrors(answer)
      if (failureOf(error) === "refused") return answer
      throw error
    }),
  ),
)

const signIn = new ApolloLink((operation, forward) => {
  const token = user.get()?.token
  if (token) operation.setContext({ headers: { authorization: `Bearer ${token}` } })
  return forward(operation)
})
