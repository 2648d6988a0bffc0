import { readStorage, writeStorage } from "../shared/storage.ts"

/** A `Storage` that lasts as long as the page, for browsers that keep nothing. */
class Forgetful implements Storage {
  #items = new Map<string, string>();
  [name: string]: unknown

  get length() {
    return this.#items.size
  }
  clear = () => this.#items.clear()
  getItem = (name: string) => this.#items.get(name) ?? null
  key = (place: number) => [...this.#items.keys()][place] ?? null
  removeItem = (name: string) => void this.#items.delete(name)
  setItem = (name: string, value: string) => void this.#items.set(name, value)
}

const PROBE = "graphiql:probe"

/** Where the explorer keeps tabs and history: in this browser, if it lets us. */
export const storage = (): Storage => (writeStorage(PROBE, "1") && readStorage(PROBE) === "1" ? localStorage : new Forgetful())

/** Whether somebody asked for headers, and so for tokens, to be kept: GraphiQL's own setting. */
export const keepsHeaders = (): boolean => readStorage("graphiql:shouldPersistHeaders") === "true"
