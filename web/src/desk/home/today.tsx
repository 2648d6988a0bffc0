import { useQuery } from "@apollo/client/react"
import { useEffect, useState } from "react"
import { graphql } from "../gql/index.ts"
import type { DeskMoneyMovedQuery } from "../gql/graphql.ts"
import { isForbidden } from "../../shared/failure.ts"
import { Answer } from "../parts/answer.tsx"
import { dayOf } from "../parts/dates.ts"
import { Money } from "../parts/money.tsx"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"

const MOVED = graphql(/* GraphQL */ `
  query DeskMoneyMoved($from: DateTime!, $to: DateTime!) {
    moneyMoved(from: $from, to: $to) {
      currency
      received { minorUnits amount currency }
      refunded { minorUnits amount currency }
      disputed { minorUnits amount currency }
    }
  }
`)

const OFTEN = 30_000 // milliseconds: a timer until midnight would sleep along with the computer

/** The day on the reader's own clock; another one once it has ended. */
function useToday(): { from: string; to: string } {
  const [day, setDay] = useState(() => dayOf(new Date()))
  useEffect(() => {
    const look = () => setDay((before) => (dayOf(new Date()).from === before.from ? before : dayOf(new Date())))
    const looking = setInterval(look, OFTEN)
    return () => clearInterval(looking)
  }, [])
  return day
}

/** Today's money. Whoever may not see it sees a page without it. */
export function Today() {
  const query = useQuery(MOVED, { variables: useToday(), ...POLL })
  useRestWhenForbidden(query)
  const { data, error, refetch } = query
  if (isForbidden(error)) return null
  return (
    <section className="today" aria-labelledby="today">
      <h2 id="today">Today’s money</h2>
      {error ? (
        <Answer what="money" scope="ORDERS_READ" data={data?.moneyMoved} error={error} again={refetch}>
          {(moved) => <Sums of={moved} />}
        </Answer>
      ) : (
        <Sums of={data?.moneyMoved ?? null} />
      )}
    </section>
  )
}

/** As high before the answer as with it, for a shop of one currency: nothing below it jumps. */
function Sums({ of: moved }: { of: DeskMoneyMovedQuery["moneyMoved"] | null }) {
  return (
    <table aria-busy={!moved}>
      <thead>
        <tr>
          <th scope="col">Currency</th>
          <th scope="col" className="amount">In</th>
          <th scope="col" className="amount">Back</th>
          <th scope="col" className="amount">Disputed</th>
        </tr>
      </thead>
      <tbody>
        {!moved?.length && (
          <tr>
            <td colSpan={4} className="muted">
              {moved ? "None came in or went back yet." : "…"}
            </td>
          </tr>
        )}
        {moved?.map(({ currency, received, refunded, disputed }) => (
          <tr key={currency}>
            <th scope="row">{currency}</th>
            {[received, refunded, disputed].map((amount, place) => (
              <td key={place} className="amount">
                {amount.minorUnits ? <Money of={amount} /> : <span className="muted">–</span>}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
