import { type Amount, formatMoney } from "../../shared/money.ts"

export const Money = ({ of }: { of: Amount }) => <span className="money">{formatMoney(of)}</span>
