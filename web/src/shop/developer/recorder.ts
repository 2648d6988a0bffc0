import { Store } from "../../shared/store.ts"

/** One call, as the developer drawer shows it. */
export interface Recorded {
  id: number
  kind: "query" | "mutation" | "subscription" | "stripe.js"
  name: string
  source: string
  variables: string
  answer: string | null
  milliseconds: number | null
  /** How often in a row: a page that waits asks the same again and again. */
  times: number
}

const MOST = 40
let next = 1

export const recorded = new Store<Recorded[]>([])

type Call = Pick<Recorded, "kind" | "name" | "source"> & { variables: unknown }

/** Notes a call; hand the answer to what it returns. */
export function record(call: Call): (answer: unknown) => void {
  const variables = pretty(call.variables)
  const started = performance.now()
  const [newest, ...older] = recorded.get()
  const again = newest && newest.name === call.name && newest.variables === variables
  const entry: Recorded = {
    ...call, variables, id: again ? newest.id : next++, answer: null, milliseconds: null, times: again ? newest.times + 1 : 1,
  }
  recorded.set([entry, ...(again ? older : recorded.get())].slice(0, MOST))
  return (answer) => {
    const milliseconds = Math.round(performance.now() - started)
    recorded.update((all) =>
      all.map((each) => (each.id === entry.id ? { ...each, answer: pretty(answer), milliseconds } : each)),
    )
  }
}

function pretty(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => (/client_?secret/i.test(key) ? shortened(inner) : inner), 2) ?? ""
}

/** Enough to recognise it, too little to pay with it. */
function shortened(secret: unknown): string {
  const [intent = "", rest = ""] = String(secret).split("_secret_")
  return `${intent.slice(0, 9)}…_secret_${rest.slice(0, 3)}…`
}
