/** For who may see something and not do it. */
export const NOT_ALLOWED = (what: string, scope: string): string =>
  `This key may not ${what}. That needs a merchant, or a key with the scope ${scope}. Nothing was done.`
