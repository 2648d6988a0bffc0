import { type Config, type DemoUser, readConfig } from "../shared/config.ts"
import { Store, useStore } from "../shared/store.ts"

/** Whose token goes with what is sent, unless the headers editor has an `Authorization` of its own. */
export const speaker = new Store<DemoUser | null>(null)

/** The demo lets anyone be anyone. Outside of it there is nobody to choose: tokens go into the headers editor. */
export function SendAs({ users }: { users: DemoUser[] }) {
  const now = useStore(speaker)
  if (users.length === 0) return null
  return (
    <label className="send-as">
      Send as
      <select value={now?.id ?? ""} onChange={({ target }) => speaker.set(users.find(({ id }) => id === target.value) ?? null)}>
        {users.map(({ id, name, role }) => (
          <option key={id} value={id}>
            {name === "Shopkeeper" ? name : `${name}, a ${role}`}
          </option>
        ))}
        <option value="">Nobody</option>
      </select>
    </label>
  )
}

/** The same person with a token that is valid now; whether it is another one. */
export async function renewSpeaker(): Promise<boolean> {
  const before = speaker.get()
  const config: Config | null = await readConfig().catch(() => null)
  const again = config?.users.find(({ id }) => id === before?.id)
  if (!again || again.token === before?.token) return false
  speaker.set(again)
  return true
}
