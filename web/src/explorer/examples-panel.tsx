import { type GraphiQLPlugin, useGraphiQL, useGraphiQLActions } from "@graphiql/react"
import type { DemoUser } from "../shared/config.ts"
import { type Example, type Role, nameOf } from "./examples.ts"
import { madeExamples } from "./made-examples.ts"
import { speaker } from "./speaker.tsx"

const ROLES: Record<Role, string> = {
  anyone: "Anyone",
  customer: "A customer",
  merchant: "The shop’s people",
}

/** A panel beside the editor: what each role can do, to be opened as tabs that run as they are. */
export function examplesPlugin(examples: Example[], users: DemoUser[]): GraphiQLPlugin {
  return { title: "Examples", icon: Icon, content: () => <Panel examples={examples} users={users} /> }
}

const Icon = () => (
  <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
    <path d="M4 3h12v14H4zM7 7h6M7 10h6M7 13h4" />
  </svg>
)

function Panel({ examples, users }: { examples: Example[]; users: DemoUser[] }) {
  const actions = useGraphiQLActions()
  const queryEditor = useGraphiQL((state) => state.queryEditor)
  const variableEditor = useGraphiQL((state) => state.variableEditor)
  const schema = useGraphiQL((state) => state.schema)
  const all = schema ? [...examples, ...madeExamples(schema, examples)] : examples
  const open = ({ query, variables, role }: Example) => {
    actions.addTab()
    queryEditor?.setValue(query)
    variableEditor?.setValue(variables ?? "")
    if (role !== "anyone") speaker.set(users.find((user) => user.role === role) ?? speaker.get())
  }
  return (
    <div className="examples">
      <h2>Examples</h2>
      <p className="who">
        To send one as a service key or as a guest, write <code>{'{"Authorization": "Bearer pgk_…"}'}</code>, or the checkout token <code>pgc_…</code>, into
        “Headers”. CreateServiceKey and CreateCheckoutToken make them.
      </p>
      {(Object.keys(ROLES) as Role[]).map((role) => (
        <section key={role} aria-labelledby={`examples-${role}`}>
          <h3 id={`examples-${role}`}>{ROLES[role]}</h3>
          <ul>
            {all.filter((example) => example.role === role).map((example) => (
              <li key={nameOf(example)}>
                <button type="button" onClick={() => open(example)}>
                  {nameOf(example)}
                  <span>{example.what}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}
