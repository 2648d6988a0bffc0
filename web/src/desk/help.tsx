import { useStore } from "../shared/store.ts"
import { Dialog } from "./parts/dialog.tsx"
import { SHORTCUTS, keysOn } from "./shortcuts.ts"

export function Help({ close }: { close: () => void }) {
  const isOn = useStore(keysOn)
  return (
    <Dialog title="Keys" close={close}>
      <dl className="keys">
        {SHORTCUTS.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input type="checkbox" checked={isOn} onChange={({ target: { checked } }) => keysOn.set(checked)} /> Single keys do this
      </label>
    </Dialog>
  )
}
