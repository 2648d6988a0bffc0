import { useQuery } from "@apollo/client/react"
import { Link } from "../parts/link.tsx"
import { Moment } from "../parts/moment.tsx"
import { Notice } from "../parts/notice.tsx"
import { POLL, useRestWhenForbidden } from "../parts/polling.ts"
import { ENDPOINTS } from "../webhooks/webhooks.tsx"

/** Endpoints that take nothing: after a day of it they are disabled, and only then that is a case. */
export function FailingEndpoints() {
  const query = useQuery(ENDPOINTS, POLL)
  useRestWhenForbidden(query)
  const failing = query.data?.webhookEndpoints.filter(({ enabled, failingSince }) => enabled && failingSince) ?? []
  if (!failing.length) return null
  return (
    <Notice tone="wait" title={failing.length === 1 ? "A webhook endpoint takes no events." : `${failing.length} webhook endpoints take no events.`}>
      <ul>
        {failing.map(({ id, url, failingSince }) => (
          <li key={id}>
            <Link to={{ page: "endpoint", id, status: null }} className="plain">
              {url}
            </Link>{" "}
            {failingSince && (
              <>
                since <Moment at={failingSince} />
              </>
            )}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
