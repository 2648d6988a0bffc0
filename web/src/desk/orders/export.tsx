import { useApolloClient } from "@apollo/client/react"
import { useRef, useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskExportQuery, OrderFilter } from "../gql/graphql.ts"
import { messageOf } from "../../shared/failure.ts"
import { csvOf } from "./csv.ts"

const EXPORT = graphql(/* GraphQL */ `
  query DeskExport($after: String, $filter: OrderFilter) {
    allOrders(first: 100, after: $after, filter: $filter) {
      nodes { ...DeskStanding createdAt reference userId receiptEmail }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

const MOST = 5_000 // orders in one file: what a browser and a server do in some seconds

type Row = DeskExportQuery["allOrders"]["nodes"][number]

/** Every order that the list's filter finds, as a file for a spreadsheet. */
export function Export({ filter, name }: { filter: OrderFilter; name: string }) {
  const client = useApolloClient()
  const [told, setTold] = useState<string | null>(null)
  const busy = useRef(false)

  async function write() {
    if (busy.current) return
    busy.current = true
    const rows: Row[] = []
    let after: string | null = null
    try {
      do {
        setTold(`${rows.length} orders…`)
        const page: { data?: DeskExportQuery | undefined } = await client.query({ query: EXPORT, variables: { after, filter }, fetchPolicy: "no-cache" })
        if (!page.data) throw new Error("The server gave no answer.") // half a list is not the list
        rows.push(...page.data.allOrders.nodes)
        const { hasNextPage, endCursor = null } = page.data.allOrders.pageInfo
        after = hasNextPage ? endCursor : null
      } while (after && rows.length < MOST)
      save(csvOf(rows), `orders-${name}.csv`)
      setTold(after ? `The newest ${rows.length} orders only: narrow the dates for the others.` : `${rows.length} orders written.`)
    } catch (error) {
      setTold(`${messageOf(error)} No file was written.`)
    } finally {
      busy.current = false
    }
  }

  return (
    <>
      <span className="muted" role="status">
        {told}
      </span>
      <button className="button" onClick={() => void write()}>
        CSV
      </button>
    </>
  )
}

function save(text: string, name: string): void {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
