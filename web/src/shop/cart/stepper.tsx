interface Props {
  name: string
  quantity: number
  set: (quantity: number) => void
}

/** How many of a product. */
export function Stepper({ name, quantity, set }: Props) {
  return (
    <div className="stepper" role="group" aria-label={`How many: ${name}`}>
      <button aria-label={quantity === 1 ? "Take out of the cart" : "One less"} onClick={() => set(quantity - 1)}>
        −
      </button>
      <output aria-label="In the cart">{quantity}</output>
      <button aria-label="One more" disabled={quantity >= 99} onClick={() => set(quantity + 1)}>
        +
      </button>
    </div>
  )
}
