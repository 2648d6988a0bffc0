import { onReturn } from "./returning.ts"
import { parsed, readStorage, writeStorage } from "./storage.ts"
import { Store } from "./store.ts"

/**
 * A value that outlives its tab and is the same in all tabs of this browser. Each change is made to what is kept, not to
 * what this tab saw last, so that two tabs don't undo each other. Where nothing can be kept it lasts as long as the tab.
 */
export class KeptStore<T> extends Store<T> {
  #place: string
  #read: (kept: unknown) => T
  #kept = false

  /** `read` makes a value of whatever was found in the storage, `null` and half a value included. */
  constructor(place: string, read: (kept: unknown) => T) {
    const found = readStorage(place)
    super(read(parsed(found)))
    this.#place = place
    this.#read = read
    this.#kept = found != null && this.#write()
    this.subscribe(() => void (this.#kept = this.#write()))
    addEventListener("storage", ({ key }) => {
      if (key === place || key === null) this.#readAnew()
    })
    onReturn((fromCache) => fromCache && this.#kept && this.#readAnew()) // in there it heard of no other tab
  }

  override update(change: (value: T) => T): void {
    const latest = this.#kept ? readStorage(this.#place) : undefined
    this.set(change(latest == null ? this.get() : this.#read(parsed(latest))))
  }

  #readAnew(): void {
    this.set(this.#read(parsed(readStorage(this.#place))))
  }

  #write(): boolean {
    const text = JSON.stringify(this.get())
    return readStorage(this.#place) === text || writeStorage(this.#place, text)
  }
}
