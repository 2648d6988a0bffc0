import { Store, useStore } from "../../shared/store.ts"

const news = new Store("")

/** Tells a screen reader what others see happen. */
export const announce = (text: string): void => news.set(text)

/** Where it is read out: once in the page, and once in an open dialog, outside of which nothing is. */
export const Announcer = () => (
  <p className="visually-hidden" role="status">
    {useStore(news)}
  </p>
)
