import { ApolloClient, ApolloLink, HttpLink } from "@apollo/client"
import { GraphQLWsLink } from "@apollo/client/link/subscriptions"
import { print } from "graphql"
import { finalize, tap } from "rxjs"
import possibleTypes from "../gql/possible-types.ts"
import type { Config } from "../shared/config.ts"
import { failing, renewing, retrying, signing } from "../shared/links.ts"
import { NewestCache } from "../shared/newest-cache.ts"
import { pagesOf } from "../shared/pages.ts"
import { type Socket, buildSocket } from "../shared/socket.ts"
import { timedFetch } from "../shared/timed-fetch.ts"
import { note } from "../shared/trouble.ts"
import { record } from "./developer/recorder.ts"
import { signInAgain, signedOut, speaker } from "./session.ts"

export function buildClient(config: Config): { client: ApolloClient; socket: Socket } {
  const socket = buildSocket(config.graphql, () => {
    const now = speaker()
    return now ? { Authorization: `Bearer ${now.token}` } : {}
  })
  const overHttp = ApolloLink.from([
    recorder,
    renewing(speaker, signInAgain, () => signedOut.set(true)),
    retrying(note),
    signing(speaker),
    failing,
    new HttpLink({ uri: config.graphql, fetch: timedFetch() }),
  ])
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => String(operationType) === "subscription",
      ApolloLink.from([recorder, new GraphQLWsLink(socket.client)]),
      overHttp,
    ),
    cache: new NewestCache({
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
