/** Users and devices as a page names them. */
import * as Option from "effect/Option"
import type { SessionSummary } from "../../SessionAdmin.js"
import { foreign, type Html, html, nothing } from "./html.js"
import type { Links } from "./links.js"
import type { Names } from "./options.js"
import { deviceName } from "./words.js"

/** What a user is called: the name, or else the id. */
export const nameOf = (names: Names, userId: string): string => names.get(userId) ?? userId

/** A user with the way to the page of the user, and with the id where that is not the name. */
export const person = (links: Links, names: Names, userId: string): Html =>
  html`<a href="${links.list({ userId })}">${foreign(nameOf(names, userId))}</a>${idBeside(names, userId)}`

/** The id of a user who has a name. */
export const idBeside = (names: Names, userId: string): Html =>
  names.has(userId) ? html`<span class="id soft">${foreign(userId)}</span>` : nothing

/** Whose session it is. */
export const ownerOf = (names: Names, { userId }: SessionSummary): string =>
  Option.match(userId, { onNone: () => "a guest", onSome: (id) => nameOf(names, id) })

/** What a session is used with. */
export const deviceOf = ({ userAgent }: SessionSummary): string =>
  deviceName(Option.getOrElse(userAgent, () => ""))

/** Where a session was used from last. */
export const addressOf = ({ ipAddress }: SessionSummary): Html =>
  Option.match(ipAddress, { onNone: () => html`Unknown`, onSome: foreign })

/** The mark of the session that looks at the page. */
export const badge = (isOwn: boolean): Html =>
  isOwn ? html` <span class="badge">This is you</span>` : nothing
