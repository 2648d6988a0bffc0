import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, ServerError } from "@apollo/client"
import { RetryLink } from "@apollo/client/link/retry"
import { print } from "graphql"
import { tap } from "rxjs"
import type { Config, DemoUser } from "../config.ts"
import possibleTypes from "../gql/possible-types.ts"
import { record } from "./recorder.ts"
import { Store } from "./store.ts"

/** Whom the page speaks for. The token is nowhere but here. */
export const user = new Store<DemoUser | null>(null)

/** Whether the server has stopped answering and is being asked again. */
export const offline = new Store(false)

export function buildClient(config: Config): ApolloClient {
  return new ApolloClient({
    link: ApolloLink.from([recorder, again, signIn, new HttpLink({ uri: config.graphql })]),
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
  )
})

/** A lost answer is asked for again, mutations too: each is safe to repeat (keys, one intent per order). */
const again = new RetryLink({
  delay: { initial: 300, max: 4_000, jitter: true },
  attempts: {
    max: 12,
    retryIf: (error) => {
      const worth = !CombinedGraphQLErrors.is(error) && (!ServerError.is(error) || error.statusCode >= 500)
      if (worth) offline.set(true)
      return worth
    },
  },
})

const signIn = new ApolloLink((operation, forward) => {
  const token = user.get()?.token
  if (token) operation.setContext({ headers: { authorization: `Bearer ${token}` } })
  return forward(operation).pipe(tap({ next: () => offline.set(false) }))
})
