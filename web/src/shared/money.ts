import { LANGUAGES } from "./language.ts"

/** `amount` is for people, with the currency's own digits; `minorUnits` is for computing. */
export interface Amount {
  amount: string
  currency: string
}
export interface CountedAmount extends Amount {
  minorUnits: number
}

export const isSameAmount = (one: Amount, other: Amount): boolean => one.amount === other.amount && one.currency === other.currency

/** `19.99`, `USD` → `$19.99` or `19,99 $`: all of the server's digits, and none of its own. */
export function formatMoney({ amount, currency }: Amount, languages: string | string[] = LANGUAGES): string {
  const digits = digitsOf(amount)
  const format = new Intl.NumberFormat(languages, {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return format.format(amount as Intl.StringNumericLiteral) // as text: a number would round
}

/** `$13.00 and $10.00`: each amount for itself, as they may be of several currencies. */
export const listOf = (amounts: Amount[]): string => new Intl.ListFormat("en").format(amounts.map((amount) => formatMoney(amount)))

/** `quantity` times each price; all prices have the same currency. `null` when there are no lines. */
export function sum(lines: { price: CountedAmount; quantity: number }[]): CountedAmount | null {
  const [first] = lines
  if (!first) return null
  const minorUnits = lines.reduce((all, { price, quantity }) => all + price.minorUnits * quantity, 0)
  const { currency, amount } = first.price
  const units = lines.reduce((all, { price, quantity }) => all + unitsOf(price.amount) * BigInt(quantity), 0n)
  return { amount: asDecimal(units, digitsOf(amount)), currency, minorUnits }
}

/** `minorUnits` of the same currency as `like`, to show. */
export function amountOf(minorUnits: number, like: CountedAmount): CountedAmount {
  const units = BigInt(minorUnits) / scaleOf(like)
  return { amount: asDecimal(units, digitsOf(like.amount)), currency: like.currency, minorUnits }
}

/**
 * What somebody typed, in minor units of `like`'s currency; `null` for what is no amount of it. Nothing is rounded: more
 * digits than the currency has are a mistake, and so are two separators. Of three decimals the last is 0, as Stripe wants.
 */
export function minorUnitsOf(typed: string, like: CountedAmount): number | null {
  const found = /^(\d{1,15})(?:[.,](\d{1,4}))?$/.exec(typed.trim())
  if (!found) return null
  const [, whole = "", fraction = ""] = found
  const digits = digitsOf(like.amount)
  if (fraction.length > digits || (digits === 3 && !/^\d{0,2}0?$/.test(fraction))) return null
  const units = BigInt(whole + fraction.padEnd(digits, "0")) * scaleOf(like)
  return units > 0n && units <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(units) : null
}

const digitsOf = (amount: string): number => amount.split(".")[1]?.length ?? 0

const unitsOf = (amount: string): bigint => BigInt(amount.replace(".", ""))

/** Minor units for each of the last shown digit: 1, but 100 for ISK and UGX, which are charged in hundredths. */
const scaleOf = ({ amount, minorUnits }: CountedAmount): bigint =>
  unitsOf(amount) === 0n ? 1n : BigInt(minorUnits) / unitsOf(amount)

function asDecimal(units: bigint, digits: number): string {
  const text = units.toString().padStart(digits + 1, "0")
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text
}
