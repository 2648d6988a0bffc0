import { ApolloClient, ApolloLink, HttpLink } from "@apollo/client"
import { GraphQLWsLink } from "@apollo/client/link/subscriptions"
import { finalize, tap } from "rxjs"
import possibleTypes from "../gql/possible-types.ts"
import type { Config } from "../shared/config.ts"
import { failing, renewing, retrying, signing } from "../shared/links.ts"
import { NewestCache } from "../shared/newest-cache.ts"
import { type Socket, buildSocket } from "../shared/socket.ts"
import { Store } from "../shared/store.ts"
import { timedFetch } from "../shared/timed-fetch.ts"
import { note } from "../shared/trouble.ts"
import { ended, renew, speaker } from "./session.ts"

/** When the server last answered: whatever the page shows is at least as old while it doesn't answer. */
export const heardAt = new Store<Date | null>(null)

const listening = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    tap(() => heardAt.set(new Date())),
    finalize(() => note(operation, null)),
  ),
)

export function buildClient(config: Config): { client: ApolloClient; socket: Socket } {
  const socket = buildSocket(config.graphql, () => {
    const now = speaker()
    return now ? { Authorization: `Bearer ${now.token}` } : {}
  })
  const overHttp = ApolloLink.from([
    listening,
    renewing(speaker, renew, () => ended.set(true)),
    retrying(note),
    signing(speaker),
    failing,
    new HttpLink({ uri: config.graphql, fetch: timedFetch() }),
  ])
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => String(operationType) === "subscription",
      new GraphQLWsLink(socket.client),
      overHttp,
    ),
    cache: new NewestCache({ ...possibleTypes, typePolicies: { Money: { keyFields: false } } }),
    defaultOptions: { watchQuery: { fetchPolicy: "cache-and-network" } },
  })
  return { client, socket }
}
