import { useQuery } from "@apollo/client/react"
import { graphql } from "../gql/index.ts"
import type { DeskOrderFragment } from "../gql/graphql.ts"

const KEY_NAMES = graphql(/* GraphQL */ `
  query DeskKeyNames {
    serviceKeys { id name }
  }
`)

const KEY = "key:"
const GUEST = "checkout:"

export type KeyNames = ReadonlyMap<string, string>

/** Whoever the server noted by their id, as people know them. */
export function actorLabel(id: string, names: KeyNames = new Map()): string {
  if (id.startsWith(GUEST)) return "a guest with the order’s link"
  if (!id.startsWith(KEY)) return id
  const key = id.slice(KEY.length)
  return `the service key ${names.get(key) ?? key.slice(0, 8)}`
}

/** The names of service keys, if one of them did something to this order and the reader may see them. */
export function useKeyNames({ canceledBy, refunds, reviews }: DeskOrderFragment): KeyNames {
  const actors = [canceledBy, ...refunds.map(({ requestedBy }) => requestedBy), ...reviews.map(({ decidedBy }) => decidedBy)]
  const { data } = useQuery(KEY_NAMES, { skip: !actors.some((actor) => actor?.startsWith(KEY)), fetchPolicy: "cache-first" })
  return new Map(data?.serviceKeys.map(({ id, name }) => [id, name]))
}
