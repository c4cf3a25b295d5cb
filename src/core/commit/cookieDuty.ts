/** What the response owes the client: the one place that decides the cookie. */
import { follow } from "./fate.js"
import { type CookieDuty, keepCookie, type Position, type Stored } from "./model.js"

/** The duty of the response once the request stands somewhere else. */
export const cookieAfter = (before: Position, at: Position, duty: CookieDuty): CookieDuty => {
  const [from, to] = [before.stored, at.stored]
  if (to === null) return duty
  const isNews =
    from?.record.id !== to.record.id ||
    from.record.expiresAtMillis !== to.record.expiresAtMillis ||
    from.state.lifetime !== to.state.lifetime
  return isNews || duty._tag === "Set" ? { _tag: "Set", at } : duty
}

/**
 * The duty at the end of the request, where the cookie was decided earlier: `found` is the row that is there now. A login
 * that has moved the session since has sent another cookie.
 */
export const cookieAtTheEnd = (found: Stored | null, at: Position): CookieDuty => {
  const where = found === null ? undefined : follow(found, at, { change: null })
  return where === undefined ? keepCookie : { _tag: "Set", at: where }
}
