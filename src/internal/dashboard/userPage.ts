/** The page of one user: the sessions and the button that ends them all. */
import * as Option from "effect/Option"
import type * as SessionAdmin from "../../SessionAdmin.js"
import { foreign, type Html, html, nothing } from "./html.js"
import { wayBack } from "./layout.js"
import type { Shown } from "./links.js"
import { listOf, type Surroundings } from "./list.js"
import { idBeside, nameOf } from "./people.js"

/** The page; `listed` is none where the store could not be asked. */
export const userPage = (
  userId: string,
  listed: Option.Option<SessionAdmin.Page>,
  shown: Shown,
  around: Surroundings
): Html => {
  const { links, names } = around
  const hasSome = Option.exists(listed, ({ sessions }) => sessions.length > 0)
  const all = html`<a class="button danger" href="${links.end({ kind: "user", userId })}">End all sessions of this user</a>`
  return html`${wayBack(links)}
<div class="row"><h1>${foreign(nameOf(names, userId))}${idBeside(names, userId)}</h1>${hasSome ? all : nothing}</div>
<section id="sessions" aria-labelledby="list"><h2 id="list">Live sessions</h2>${listOf(listed, shown, around)}</section>`
}
