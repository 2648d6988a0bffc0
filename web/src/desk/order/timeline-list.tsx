import { Fragment } from "react"
import type { DeskOrderFragment } from "../gql/graphql.ts"
import { Moment } from "../parts/moment.tsx"
import { Money } from "../parts/money.tsx"
import { Link } from "../parts/link.tsx"
import { Pill } from "../parts/standing.tsx"
import { answerOf, deliveryLabel } from "../webhooks/words.ts"
import { useKeyNames } from "./actors.ts"
import { useOrderEvents } from "./events.ts"
import { type Delivery, timelineOf } from "./timeline.ts"

export function Timeline({ order }: { order: DeskOrderFragment }) {
  const events = useOrderEvents(order.id, order.updatedAt)
  const names = useKeyNames(order)
  return (
    <ol className="timeline">
      {timelineOf(order, events, names).map(({ at, what, tone, amount, details, deliveries }, place) => (
        <li key={place} className={tone}>
          <Moment at={at} />
          <div>
            <p>
              {what} {amount && <Money of={amount} />}
            </p>
            {details.length > 0 && <Details of={details} />}
            {deliveries?.map((delivery) => (
              <Delivered key={delivery.id} of={delivery} />
            ))}
          </div>
        </li>
      ))}
    </ol>
  )
}

/** Each by itself: a note that is written from right to left turns none of the others. */
const Details = ({ of: details }: { of: string[] }) => (
  <p className="muted">
    {details.map((each, place) => (
      <Fragment key={place}>
        {place > 0 && " · "}
        <bdi>{each}</bdi>
      </Fragment>
    ))}
  </p>
)

function Delivered({ of: delivery }: { of: Delivery }) {
  return (
    <p className="muted wraps">
      <Link to={{ page: "endpoint", id: delivery.endpointId, status: null }} className="plain">
        {delivery.endpointUrl}
      </Link>{" "}
      <Pill {...deliveryLabel(delivery.status)} /> {answerOf(delivery)}
      {delivery.dueAt && (
        <>
          , next <Moment at={delivery.dueAt} />
        </>
      )}
    </p>
  )
}
