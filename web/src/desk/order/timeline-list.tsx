import type { DeskOrderFragment } from "../gql/graphql.ts"
import { Moment } from "../parts/moment.tsx"
import { Money } from "../parts/money.tsx"
import { timelineOf } from "./timeline.ts"

export function Timeline({ order }: { order: DeskOrderFragment }) {
  return (
    <ol className="timeline">
      {timelineOf(order).map(({ at, what, tone, amount, details }, place) => (
        <li key={place} className={tone}>
          <Moment at={at} />
          <div>
            <p>
              {what} {amount && <Money of={amount} />}
            </p>
            {details.length > 0 && <p className="muted">{details.join(" · ")}</p>}
          </div>
        </li>
      ))}
    </ol>
  )
}
