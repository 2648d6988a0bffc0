import type { Route } from "../route.ts"
import { Link } from "./link.tsx"

/** Pages go forward by cursors; back is the browser's own Back. */
export function Pager({ newest, older }: { newest: Route | null; older: Route | null }) {
  if (!newest && !older) return null
  return (
    <nav className="pager" aria-label="Pages">
      {newest && (
        <Link to={newest} className="button">
          Newest
        </Link>
      )}
      {older && (
        <Link to={older} className="button">
          Older
        </Link>
      )}
    </nav>
  )
}
