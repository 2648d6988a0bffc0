import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client"
import { GraphQLWsLink } from "@apollo/client/link/subscriptions"
import { print } from "graphql"
import { catchError, concatMap, finalize, from, tap, throwError } from "rxjs"
import possibleTypes from "../gql/possible-types.ts"
import type { Config } from "../shared/config.ts"
import { type Failure, failureOf } from "../shared/failure.ts"
import { failing, retrying } from "../shared/links.ts"
import { pagesOf } from "../shared/pages.ts"
import { type Socket, buildSocket } from "../shared/socket.ts"
import { Store } from "../shared/store.ts"
import { record } from "./developer/recorder.ts"
import { bearer, signInAgain, signedOut } from "./session.ts"

/** Why the server is being asked again, while it is. */
export const trouble = new Store<Failure | null>(null)
const repeated = new Map<ApolloLink.Operation, Failure>()

function note(operation: ApolloLink.Operation, failure: Failure | null): void {
  if (failure) repeated.set(operation, failure)
  else repeated.delete(operation)
  trouble.set([...repeated.values()].at(-1) ?? null)
}

export function buildClient(config: Config): { client: ApolloClient; socket: Socket } {
  const socket = buildSocket(config.graphql, () => {
    const authorization = bearer()
    return authorization ? { Authorization: authorization } : {}
  })
  const overHttp = ApolloLink.from([recorder, renewal, retrying(note), signIn, failing, new HttpLink({ uri: config.graphql })])
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => String(operationType) === "subscription",
      ApolloLink.from([recorder, new GraphQLWsLink(socket.client)]),
      overHttp,
    ),
    cache: new InMemoryCache({
      ...possibleTypes,
      typePolicies: {
        Query: {
          fields: {
            products: pagesOf(["ids"]),
            orders: pagesOf(["status"]),
            // What a list has told already is shown at once, while the order itself is asked for.
            order: (known: unknown, { args, toReference }) =>
              known === undefined ? toReference({ __typename: "Order", id: args?.["id"] as string }) : known,
          },
        },
        OrderItem: { keyFields: false },
        Money: { keyFields: false },
      },
    }),
    defaultOptions: { watchQuery: { fetchPolicy: "cache-and-network", refetchWritePolicy: "merge" } },
  })
  return { client, socket }
}

const recorder = new ApolloLink((operation, forward) => {
  const kind = operation.operationType
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

/** A token may end while the page is open: the call is sent once more with another one, if there is one. */
const renewal = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    catchError((error: unknown) => {
      if (failureOf(error) !== "signed-out") return throwError(() => error)
      return from(signInAgain()).pipe(
        concatMap((isNew) => {
          if (isNew) return forward(operation)
          signedOut.set(true)
          return throwError(() => error)
        }),
      )
    }),
  ),
)

const signIn = new ApolloLink((operation, forward) => {
  const authorization = bearer()
  if (authorization) operation.setContext({ headers: { authorization } })
  return forward(operation)
})

