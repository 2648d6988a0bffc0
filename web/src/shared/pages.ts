import type { FieldPolicy, Reference } from "@apollo/client"

export interface Page {
  nodes: readonly Reference[]
  pageInfo?: { hasNextPage?: boolean; endCursor?: string | null }
}

/**
 * Pages of a connection, kept as one list. A later page goes behind what it follows. The first page again brings what is
 * new and keeps the later ones, unless so much is new that there may be a gap between them.
 */
export function pagesOf<Names extends string>(keyArgs: false | Names[]): FieldPolicy<Page> {
  return {
    keyArgs,
    merge: (before, page, { args }) => (args?.["after"] ? behind(before, page) : refreshed(before, page)),
  }
}

function behind(before: Page | undefined, page: Page): Page {
  return { ...page, nodes: [...without(before?.nodes ?? [], page.nodes), ...page.nodes] }
}

function refreshed(before: Page | undefined, page: Page): Page {
  const last = page.nodes.at(-1)
  const place = last && before ? before.nodes.findIndex((node) => node.__ref === last.__ref) : -1
  const isWhole = !page.pageInfo?.hasNextPage
  if (isWhole || !before || place < 0 || place === before.nodes.length - 1) return page
  const later = without(before.nodes.slice(place + 1), page.nodes)
  return { ...page, nodes: [...page.nodes, ...later], pageInfo: before.pageInfo ?? page.pageInfo ?? {} }
}

function without(nodes: readonly Reference[], others: readonly Reference[]): Reference[] {
  const known = new Set(others.map(({ __ref }) => __ref))
  return nodes.filter(({ __ref }) => !known.has(__ref))
}
