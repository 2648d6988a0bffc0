export interface Amount {
  amount: string
  currency: string
}

/** `19.99`, `USD` → `$19.99`: the server's own digits, so that nothing is rounded here. */
export function formatMoney({ amount, currency }: Amount): string {
  const digits = amount.split(".")[1]?.length ?? 0
  const format = new Intl.NumberFormat("en", {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return format.format(Number(amount))
}

/** `quantity` times each price, added up without fractions; all prices have the same currency. */
export function sum(lines: { price: Amount; quantity: number }[]): Amount {
  const first = lines[0]
  if (!first) return { amount: "0", currency: "USD" }
  const digits = first.price.amount.split(".")[1]?.length ?? 0
  const total = lines.reduce((all, line) => all + BigInt(line.price.amount.replace(".", "")) * BigInt(line.quantity), 0n)
  const text = total.toString().padStart(digits + 1, "0")
  const amount = digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text
  return { amount, currency: first.price.currency }
}
