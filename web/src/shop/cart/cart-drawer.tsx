import { useEffect, useRef } from "react"
import { formatMoney } from "../../shared/money.ts"
import { useStore } from "../../shared/store.ts"
import { pictureOf } from "../catalogue/pictures.ts"
import { Announcer, announce } from "../parts/announcer.tsx"
import { Money } from "../parts/money.tsx"
import { Notice } from "../parts/notice.tsx"
import { cart, countOf, setQuantity } from "./cart.ts"
import { type CheckedLine, isOrderable, useCheckedLines } from "./checked-lines.ts"
import { PlaceOrder } from "./place-order.tsx"
import { Stepper } from "./stepper.tsx"

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
        <Announcer />
      </div>
    </dialog>
  )
}

function Content({ close }: { close: () => void }) {
  const isEmpty = countOf(useStore(cart)) === 0
  const { lines, total, check } = useCheckedLines()
  const place = useRef<HTMLDivElement>(null)
  const taken = useRef<number | null>(null)

  // The button that took a line out is gone with it: the focus goes to the line that took its place, or to what is left.
  useEffect(() => {
    if (taken.current === null) return
    const next = place.current?.querySelectorAll<HTMLElement>("li")[Math.min(taken.current, lines.length - 1)] ?? place.current
    next?.querySelector<HTMLButtonElement>("button")?.focus()
    taken.current = null
  }, [lines.length])

  const set = ({ line }: CheckedLine, position: number, quantity: number) => {
    if (quantity <= 0) taken.current = position
    const { productId: id, name, image, price } = line
    setQuantity({ id, name, image, price }, quantity)
    announce(quantity > 0 ? `${name}: ${quantity} in the cart` : `${name}: taken out of the cart`)
  }

  if (isEmpty) {
    return (
      <div className="empty" ref={place}>
        <p>Nothing in it yet.</p>
        <button className="button" onClick={close}>
          Look around
        </button>
      </div>
    )
  }
  return (
    <div className="cart" ref={place}>
      <ul className="lines">
        {lines.map((each, position) => (
          <CartLine key={each.line.productId} of={each} set={(quantity) => set(each, position, quantity)} />
        ))}
      </ul>
      <footer>
        {lines.some(({ isSold }) => !isSold) && (
          <Notice tone="wait" title="Something in your cart is no longer sold.">
            <p>It is not in the total. Take it out to order the rest.</p>
          </Notice>
        )}
        {lines.some(({ isForeign }) => isForeign) && (
          <Notice tone="wait" title="Something in your cart is now priced in another currency.">
            <p>An order has one currency, so it is not in the total. Take it out to order the rest.</p>
          </Notice>
        )}
        {total && (
          <p className="total">
            <span>Total</span>
            <strong>
              <Money of={total} />
            </strong>
          </p>
        )}
        <PlaceOrder lines={lines} total={total} check={check} close={close} />
      </footer>
    </div>
  )
}

function CartLine({ of: checked, set }: { of: CheckedLine; set: (quantity: number) => void }) {
  const { line, price, was, isSold } = checked
  return (
    <li>
      <img src={line.image ?? pictureOf(line.name)} alt="" width="72" height="72" />
      <div>
        <p className="line-name">{line.name}</p>
        {isSold ? (
          <p className="muted">
            <Money of={price} />
          </p>
        ) : (
          <p className="changed">No longer sold</p>
        )}
        {was && (
          <p className="changed">
            The price was {formatMoney(was)} and is now {formatMoney(price)}.
          </p>
        )}
      </div>
      {isOrderable(checked) ? (
        <Stepper name={line.name} quantity={line.quantity} set={set} />
      ) : (
        <button className="button small quiet" onClick={() => set(0)}>
          <span>
            Take out<span className="visually-hidden"> {line.name}</span>
          </span>
        </button>
      )}
    </li>
  )
}
