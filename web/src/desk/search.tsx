import { useApolloClient } from "@apollo/client/react"
import { type FormEvent, useRef, useState } from "react"
import { graphql } from "./gql/index.ts"
import { isForbidden, messageOf } from "../shared/failure.ts"
import { orderFilterOf } from "./orders/filter.ts"
import { type Reading, readingsOf } from "./orders/search.ts"
import { textIn } from "./parts/forms.ts"
import { go } from "./route.ts"

const FIND = graphql(/* GraphQL */ `
  query DeskFind($filter: OrderFilter!) {
    allOrders(first: 1, filter: $filter) { nodes { id } }
  }
`)

export const SEARCH_ID = "search"

/** Finds orders by whatever people have of them, and goes there. */
export function Search() {
  const client = useApolloClient()
  const [told, setTold] = useState<string | null>(null)
  const latest = useRef("")

  async function find(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const typed = textIn(new FormData(event.currentTarget), "text")
    latest.current = typed
    const readings = readingsOf(typed)
    if (!readings.length) return setTold(null)
    setTold("Looking…")
    try {
      const found = await firstThatFinds(readings)
      if (latest.current !== typed) return
      setTold(found ? null : `No order has “${typed}” as its ${readings.map(({ name }) => name).join(", ")}.`)
      if (found) goTo(found.reading, found.id)
    } catch (error) {
      if (latest.current === typed) setTold(isForbidden(error) ? "This key may not read orders." : messageOf(error))
    }
  }

  async function firstThatFinds(readings: Reading[]): Promise<{ reading: Reading; id: string } | null> {
    for (const reading of readings) {
      const { data } = await client.query({ query: FIND, variables: { filter: wanted(reading) }, fetchPolicy: "network-only" })
      const id = data?.allOrders.nodes[0]?.id
      if (id) return { reading, id }
    }
    return null
  }

  return (
    <search>
      <form className="search" onSubmit={(event) => void find(event)}>
        <label className="visually-hidden" htmlFor={SEARCH_ID}>
          Find an order by reference, e-mail, user, PaymentIntent or number
        </label>
        <input id={SEARCH_ID} name="text" type="search" placeholder="Reference, e-mail, user, pi_…, number" autoComplete="off" spellCheck={false} />
        <kbd aria-hidden="true">/</kbd>
      </form>
      <p className="search-told" role="status">
        {told}
      </p>
    </search>
  )
}

const wanted = ({ filter: { idPrefix, ...filter } }: Reading) => ({ ...orderFilterOf({ view: "all", ...filter }), ...(idPrefix && { idPrefix }) })

function goTo({ isOne, filter: { idPrefix: _, ...filter } }: Reading, id: string): void {
  if (isOne) go({ page: "order", id })
  else go({ page: "orders", filter: { view: "all", ...filter } })
}
