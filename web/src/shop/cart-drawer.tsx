import { useMutation } from "@apollo/client/react"
import { useEffect, useRef, useState } from "react"
import type { CreateOrderMutation } from "../gql/graphql.ts"
import { cart, countOf, emptyCart, renewKey } from "./cart.ts"
import { type Product, Stepper, useProducts } from "./catalogue.tsx"
import { messageOf } from "./failure.ts"
import { sum } from "./money.ts"
import { CREATE_ORDER } from "./operations.ts"
import { Link, Money, Notice } from "./parts.tsx"
import { pictureOf } from "./pictures.ts"
import { go } from "./route.ts"
import { useStore } from "./store.ts"

type Refusal = Exclude<NonNullable<CreateOrderMutation["createOrder"]>, { __typename: "Order" }>

export function CartDrawer({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      className="drawer"
      aria-labelledby="cart-title"
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div className="drawer-inside">
        <header>
          <h2 id="cart-title">Your cart</h2>
          <button className="icon" aria-label="Close the cart" onClick={close}>
            ×
          </button>
        </header>
        <Content close={close} />
      </div>
    </dialog>
  )
}

function Content({ close }: { close: () => void }) {
  const now = useStore(cart)
  const { products } = useProducts()
  const lines = now.lines.flatMap(({ productId, quantity }) => {
    const product = products.find((each) => each.id === productId)
    return product ? [{ product, quantity, price: product.price }] : []
  })
  if (countOf(now) === 0) {
    return (
      <div className="empty">
        <p>Nothing in it yet.</p>
        <button className="button" onClick={close}>
          Look around
        </button>
      </div>
    )
  }
  return (
    <>
      <ul className="lines">
        {lines.map(({ product, quantity }) => (
          <CartLine key={product.id} product={product} quantity={quantity} />
        ))}
      </ul>
      <footer>
        <p className="total">
          <span>Total</span>
          <strong>
            <Money of={sum(lines)} />
          </strong>
        </p>
        <PlaceOrder close={close} />
      </footer>
    </>
  )
}

function CartLine({ product, quantity }: { product: Product; quantity: number }) {
  return (
    <li>
      <img src={product.image ?? pictureOf(product.name)} alt="" width="72" height="72" />
      <div>
        <p className="line-name">{product.name}</p>
        <p className="muted">
          <Money of={product.price} />
        </p>
      </div>
      <Stepper product={product} quantity={quantity} />
    </li>
  )
}

function PlaceOrder({ close }: { close: () => void }) {
  const [createOrder, { loading }] = useMutation(CREATE_ORDER)
  const [refusal, setRefusal] = useState<Refusal | null>(null)
  const [failure, setFailure] = useState<string | null>(null)
  const busy = useRef(false)

  async function place() {
    if (busy.current) return
    busy.current = true
    setRefusal(null)
    setFailure(null)
    const { key, currency, lines } = cart.get()
    try {
      const { data } = await createOrder({ variables: { input: { idempotencyKey: key, currency, items: lines } } })
      const result = data?.createOrder
      if (result?.__typename === "Order") {
        emptyCart()
        close()
        go({ page: "pay", id: result.id })
      } else if (result) setRefusal(result)
      else setFailure("The server gave no answer.")
    } catch (error) {
      setFailure(messageOf(error))
    } finally {
      busy.current = false
    }
  }

  return (
    <>
      {refusal && <WhyNot refusal={refusal} close={close} retry={place} />}
      {failure && (
        <Notice tone="bad" title="We can’t tell whether the order was placed.">
          <p>{failure} Your cart is kept: place it again in a moment, and it is ordered once, not twice.</p>
        </Notice>
      )}
      <button className="button wide" onClick={() => void place()} aria-disabled={loading}>
        {loading ? "Placing your order…" : "Place order and pay"}
      </button>
    </>
  )
}

function WhyNot({ refusal, close, retry }: { refusal: Refusal; close: () => void; retry: () => Promise<void> }) {
  switch (refusal.__typename) {
    case "IdempotencyKeyReused": {
      const orderAnew = () => {
        renewKey()
        void retry()
      }
      return (
        <Notice tone="wait" title="This cart was ordered before, with other things in it.">
          <p onClick={close}>
            <Link to={{ page: "order", id: refusal.orderId }}>See that order</Link>, or
          </p>
          <button className="button small" onClick={orderAnew}>
            place this as another order
          </button>
        </Notice>
      )
    }
    case "ProductNotAvailable":
      return (
        <Notice tone="bad" title="Something in your cart has just sold out.">
          <p>{refusal.message} Take it out, and order the rest.</p>
        </Notice>
      )
    case "InvalidOrder":
      return (
        <Notice tone="bad" title="This cart can’t be ordered.">
          <p>{refusal.message}</p>
        </Notice>
      )
    case "RateLimited":
      return (
        <Notice tone="wait" title="That was a little fast.">
          <p>Please wait {refusal.retryAfter} seconds and place the order again.</p>
        </Notice>
      )
    default:
      return <Later refusal={refusal} />
  }
}

/** A refusal that the schema learned after this page was built; `never` proves that there is none today. */
function Later({ refusal }: { refusal: never }) {
  const { message } = refusal as { message: string }
  return <Notice tone="bad" title={message} />
}
