import { type Cache, InMemoryCache, type InMemoryCacheConfig, type OperationVariables, type Reference } from "@apollo/client"

/** Longer than any answer is under way. A smaller revision after it is that of a restored backup, and counts. */
const UNDER_WAY = 120_000 // milliseconds
const WRITES = 500 // after so many what no list and no page holds any more is dropped: a desk is open for weeks
const PARTS = ["Payment", "Refund", "Dispute"] // what belongs to an order, and changes with it

type Stored = Record<string, unknown>
/** An answer has it wherever an order is shown. */
interface Revised {
  id: string
  revision: number
}

/**
 * A cache in which no order becomes older: answers come by the subscription, by queries and by mutations, and one that
 * left the server first may arrive last. Of an order in such an answer only that is taken which is not known yet.
 */
export class NewestCache extends InMemoryCache {
  readonly #newest = new Map<string, { revision: number; at: number }>()

  #writes = 0

  constructor(
    config: InMemoryCacheConfig,
    private readonly now: () => number = Date.now,
  ) {
    super(config)
  }

  override write<Data, Variables extends OperationVariables>(options: Cache.WriteOptions<Data, Variables>): Reference | undefined {
    if (++this.#writes % WRITES === 0) this.#forgetOld()
    const late = ordersIn(options.result).filter((order) => !this.#isNew(order))
    if (!late.length) return super.write(options)
    const kept = this.#kept(late)
    return this.batch({
      update: () => {
        const written = super.write(options)
        for (const [id, fields] of kept) {
          this.modify({ id, fields: (value: unknown, { storeFieldName }) => (storeFieldName in fields ? fields[storeFieldName] : value) })
        }
        return written
      },
    })
  }

  #forgetOld(): void {
    for (const [id, { at }] of this.#newest) if (this.now() - at >= UNDER_WAY) this.#newest.delete(id)
    this.gc()
  }

  #isNew({ id, revision }: Revised): boolean {
    const known = this.#newest.get(id)
    const isLate = known !== undefined && revision < known.revision && this.now() - known.at < UNDER_WAY
    if (!isLate) this.#newest.set(id, { revision, at: this.now() })
    return !isLate
  }

  /** What is known of these orders and of their parts, by its place in the cache. */
  #kept(orders: Revised[]): Map<string, Stored> {
    const all = this.extract() as Record<string, Stored>
    const kept = new Map<string, Stored>()
    for (const { id } of orders) {
      const place = `Order:${id}`
      const order = all[place]
      if (!order) continue
      kept.set(place, order)
      for (const part of partsOf(order)) kept.set(part, all[part] ?? {})
    }
    return kept
  }
}

function ordersIn(value: unknown): Revised[] {
  if (Array.isArray(value)) return value.flatMap(ordersIn)
  if (typeof value !== "object" || value === null) return []
  const inside = Object.values(value).flatMap(ordersIn)
  const { __typename, id, revision } = value as Stored
  const isRevised = __typename === "Order" && typeof id === "string" && typeof revision === "number"
  return isRevised ? [{ id, revision }, ...inside] : inside
}

function partsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(partsOf)
  if (typeof value !== "object" || value === null) return []
  const place = (value as Stored)["__ref"]
  if (typeof place !== "string") return Object.values(value).flatMap(partsOf)
  return PARTS.some((part) => place.startsWith(`${part}:`)) ? [place] : []
}
