import type { CancelReason, OrderStandingFragment, OrderStatus } from "../../gql/graphql.ts"
import { isTaken } from "../../shared/balance.ts"
import { isDisputed, shortId } from "../../shared/standing.ts"
import { useStore } from "../../shared/store.ts"
import { Link } from "../parts/link.tsx"
import { Notice } from "../parts/notice.tsx"
import { user } from "../session.ts"

interface Props {
  status: OrderStatus
  id: string
  /** What else is known of it; `null` while that is being asked. */
  order: OrderStandingFragment | null
}

/** How the order stands, said to whoever looks: its customer, or the shop's people. */
export function Result({ status, id, order }: Props) {
  const isMerchant = useStore(user)?.role === "merchant"
  const disputed = order ? isDisputed(order) : false
  const taken = order ? isTaken(order, order.total) : false
  if (isMerchant) return taken ? <TakenFromTheShop /> : <ForTheShop status={status} disputed={disputed} />
  if (taken && !disputed) return <Taken />
  return disputed ? <Disputed /> : <ForTheCustomer status={status} id={id} reason={order?.cancelReason ?? null} />
}

/** A guest has one order, and no list of them. */
export function ToOrders() {
  if (useStore(user)?.role === "guest") return null
  return (
    <Link className="button quiet" to={{ page: "orders" }}>
      My orders
    </Link>
  )
}

const Disputed = () => (
  <Notice tone="wait" title="The payment is disputed.">
    <p>Your bank has asked for the money back. Nothing is sent until that is decided; your bank tells you how it ends.</p>
    <ToOrders />
  </Notice>
)

const Taken = () => (
  <Notice tone="wait" title="Your bank has given you the money back.">
    <p>The payment was disputed, and the bank decided for you. Nothing has to be paid, and nothing more is sent.</p>
    <ToOrders />
  </Notice>
)

const TakenFromTheShop = () => (
  <Notice tone="bad" title="The dispute was lost: the bank gave the money back.">
    <p>Nothing is left of this order’s money. Hand nothing over.</p>
  </Notice>
)

const FOR_THE_SHOP: Record<OrderStatus, string> = {
  PENDING: "Waiting for the customer’s payment.",
  PAID: "Paid in full.",
  REVIEW: "Money arrived that does not match the total. Hand nothing over before somebody has decided.",
  CANCELED: "Canceled. A payment that still arrives is refunded in full.",
  REFUNDED: "Refunded in full.",
  PARTIALLY_REFUNDED: "A part was refunded.",
}

function ForTheShop({ status, disputed }: { status: OrderStatus; disputed: boolean }) {
  return (
    <>
      {disputed && (
        <Notice tone="bad" title="The customer’s bank asks for the money back.">
          <p>Answer the dispute in Stripe’s dashboard in time; hand nothing over before it is decided.</p>
        </Notice>
      )}
      <Notice tone={status === "PAID" && !disputed ? "good" : "wait"} title={FOR_THE_SHOP[status] ?? status} />
    </>
  )
}

function ForTheCustomer({ status, id, reason }: { status: OrderStatus; id: string; reason: CancelReason | null }) {
  switch (status) {
    case "PAID":
      return (
        <>
          <Notice tone="good" title="Your payment arrived.">
            <p>{id ? `Order ${shortId(id)} is` : "Your order is"} paid in full, and we are packing it.</p>
          </Notice>
          <p className="actions">
            <Link className="button" to={{ page: "shop" }}>
              Keep looking
            </Link>
            <ToOrders />
          </p>
        </>
      )
    case "REVIEW":
      return (
        <Notice tone="wait" title="We have your money, and are having a look.">
          <p>The amount that arrived differs from the order’s. A person checks it; you don’t have to do anything.</p>
          <ToOrders />
        </Notice>
      )
    case "CANCELED":
      return (
        <Notice tone="wait" title={reason === "EXPIRED" ? "This order has expired." : "This order was canceled."}>
          <p>
            {reason === "EXPIRED" ? "It was not paid in time, and nothing has to be paid now." : "There is nothing to pay."}{" "}
            If a payment still arrives, it is refunded in full.
          </p>
          <ToOrders />
        </Notice>
      )
    case "REFUNDED":
    case "PARTIALLY_REFUNDED":
      return (
        <Notice tone="wait" title={status === "REFUNDED" ? "This order was refunded." : "A part of this order was refunded."}>
          <p>There is nothing to pay. The money comes back to your card within some days.</p>
          <ToOrders />
        </Notice>
      )
    case "PENDING":
      return (
        <Notice tone="wait" title="This order waits to be paid.">
          {id && (
            <Link className="button" to={{ page: "pay", id }}>
              Continue to pay
            </Link>
          )}
        </Notice>
      )
    default:
      return (
        <Notice tone="wait" title={`This order is ${String(status satisfies never).toLowerCase()}.`}>
          <ToOrders />
        </Notice>
      )
  }
}
