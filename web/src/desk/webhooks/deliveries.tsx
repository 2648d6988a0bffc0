import type { DeliveryStatus, DeskEndpointPageQuery } from "../gql/graphql.ts"
import { shortId } from "../../shared/standing.ts"
import { nameOf } from "../orders/row.tsx"
import { Empty } from "../parts/answer.tsx"
import { Link } from "../parts/link.tsx"
import { Moment } from "../parts/moment.tsx"
import { Pill } from "../parts/standing.tsx"
import { answerOf, deliveryLabel, typeLabel } from "./words.ts"

export type Delivery = NonNullable<DeskEndpointPageQuery["webhookEndpoint"]>["deliveries"]["nodes"][number]

const VIEWS: [name: string, status: DeliveryStatus | null][] = [["All", null], ["Due", "DUE"], ["Given up", "GIVEN_UP"], ["Delivered", "DELIVERED"]]

export function DeliveryViews({ id, status }: { id: string; status: DeliveryStatus | null }) {
  return (
    <nav className="views" aria-label="Deliveries">
      {VIEWS.map(([name, wanted]) => (
        <Link key={name} to={{ page: "endpoint", id, status: wanted }} current={wanted === status}>
          {name}
        </Link>
      ))}
    </nav>
  )
}

interface Props {
  of: readonly Delivery[]
  status: DeliveryStatus | null
  /** Asks whether to send again what happened since the delivery's event; `null` where nothing can be sent. */
  replayFrom: ((delivery: Delivery) => void) | null
}

export function Deliveries({ of: deliveries, status, replayFrom }: Props) {
  if (!deliveries.length) return <Empty>{status ? `No delivery is ${deliveryLabel(status).label}.` : "Nothing was sent yet."}</Empty>
  return (
    <table>
      <caption className="visually-hidden">Deliveries, the newest first</caption>
      <thead>
        <tr>
          <th scope="col" className="date">Happened</th>
          <th scope="col">Event</th>
          <th scope="col">Delivery</th>
          <th scope="col">Last answer</th>
          <td />
        </tr>
      </thead>
      <tbody>
        {deliveries.map((delivery) => (
          <Row key={delivery.id} of={delivery} again={replayFrom && (() => replayFrom(delivery))} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ of: delivery, again }: { of: Delivery; again: (() => void) | null }) {
  const { event, status, dueAt, deliveredAt } = delivery
  return (
    <tr>
      <td className="date">
        <Moment at={event.createdAt} />
      </td>
      <th scope="row" className="event">
        {typeLabel(event.type)}{" "}
        {event.orderId && (
          <Link to={{ page: "order", id: event.orderId }} row>
            {event.order ? nameOf(event.order) : shortId(event.orderId)}
          </Link>
        )}
      </th>
      <td>
        <Pill {...deliveryLabel(status)} />
      </td>
      <td className="wraps muted">
        {answerOf(delivery)}
        {deliveredAt && (
          <>
            {" "}
            <Moment at={deliveredAt} />
          </>
        )}
        {dueAt && (
          <>
            , next <Moment at={dueAt} />
          </>
        )}
      </td>
      <td className="act">
        {again && status !== "DUE" && (
          <button className="plain" aria-label={`Send again from ${typeLabel(event.type)} on`} onClick={again}>
            Again…
          </button>
        )}
      </td>
    </tr>
  )
}
