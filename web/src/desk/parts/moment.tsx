import { fullDate, inDays, isOver, tableDate } from "./dates.ts"

/** A date, short; in full where one points at it. */
export const Moment = ({ at }: { at: string }) => (
  <time dateTime={at} title={fullDate(at)}>
    {tableDate(at)}
  </time>
)

/** A date until which something has to be done. */
export function Due({ at }: { at: string }) {
  const isLate = isOver(at)
  return (
    <time dateTime={at} title={fullDate(at)} className={isLate ? "late" : undefined}>
      {isLate ? `over since ${tableDate(at)}` : `${inDays(at)}, ${tableDate(at)}`}
    </time>
  )
}
