import { Copy } from "./copy.tsx"
import { Dialog } from "./dialog.tsx"

/** What is shown this once. It stays until somebody says that they have it. */
export function Secret({ title, secret, close }: { title: string; secret: string; close: () => void }) {
  return (
    <Dialog title={title} close={close} keeps>
      <p>Put it where the system reads its secrets. It is not shown again.</p>
      <p className="secret">
        <code>{secret}</code> <Copy text={secret} label="the secret" />
      </p>
      <div className="actions">
        <button className="button strong" onClick={close}>
          I have stored it
        </button>
      </div>
    </Dialog>
  )
}
