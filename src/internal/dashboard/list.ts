/** Sessions as a table, page by page. */
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type { Page, SessionSummary } from "../../SessionAdmin.js"
import { foreign, type Html, hidden, html, nothing, trusted } from "./html.js"
import { notice } from "./layout.js"
import type { Links, Shown } from "./links.js"
import type { Names } from "./options.js"
import { addressOf, badge, deviceOf, ownerOf, person } from "./people.js"
import { ago } from "./words.js"

/** What every table of sessions needs to know. */
export interface Surroundings {
  readonly links: Links
  readonly names: Names
  readonly now: DateTime.Utc
  /** The id of the session that looks at the page. */
  readonly own: string
}

/** The list of everybody's sessions, with its filters. */
export const everybodysList = (
  listed: Option.Option<Page>,
  shown: Shown,
  around: Surroundings
): Html => html`<section id="sessions" aria-labelledby="list"><div class="row"><h2 id="list">Sessions</h2>
<nav class="filters" aria-label="Which sessions">${filter(around.links, "All live", false, shown)}${filter(around.links, "Active in the last 15 minutes", true, shown)}</nav>
${search(around.links)}</div>
${listOf(listed, shown, around)}</section>`

const filter = ({ list }: Links, title: string, recent: boolean, shown: Shown): Html =>
  html`<a href="${list({ recent })}#sessions"${(shown.recent === true) === recent ? trusted(' aria-current="true"') : nothing}>${title}</a>`

const search = ({ home }: Links): Html =>
  html`<form class="search" role="search" method="get" action="${home}"><label for="user">User id</label><input id="user" name="user" required maxlength="255" autocomplete="off" spellcheck="false" autocapitalize="none"><button>Find</button></form>`

/** The list itself; it is not there where the store could not be asked. */
export const listOf = (listed: Option.Option<Page>, shown: Shown, around: Surroundings): Html => {
  if (Option.isNone(listed)) {
    return notice(
      "bad",
      "The list is not there: the store could not be asked. Details are in the log of the server."
    )
  }
  const { next, sessions } = listed.value
  const table =
    sessions.length === 0
      ? html`<p class="panel soft">${shown.after === undefined ? "There are no live sessions here." : "There are no more sessions."}</p>`
      : tableOf(sessions, shown.userId === undefined, around)
  return html`${table}${pager(next, shown, around.links)}`
}

const pager = (next: Option.Option<string>, shown: Shown, { list }: Links): Html => {
  const first =
    shown.after === undefined
      ? []
      : [
          html`<a class="button" href="${list({ ...shown, after: undefined })}#sessions">First page</a>`
        ]
  const onwards = Option.match(next, {
    onNone: () => [],
    onSome: (after) => [html`<a class="button" href="${list({ ...shown, after })}">Next page</a>`]
  })
  const links = [...first, ...onwards]
  return links.length === 0 ? nothing : html`<nav class="pager" aria-label="Pages">${links}</nav>`
}

const tableOf = (
  sessions: ReadonlyArray<SessionSummary>,
  withUser: boolean,
  around: Surroundings
): Html => html`<div class="panel flush"><table class="stacks"><thead><tr>${withUser ? html`<th scope="col">User</th>` : nothing}<th scope="col">Device</th><th scope="col">Address</th><th scope="col">Created</th><th scope="col">Last active</th><th scope="col">${hidden("Actions")}</th></tr></thead>
<tbody>${sessions.map((session, index) => line(session, index + 1, withUser, around))}</tbody></table></div>`

const line = (
  session: SessionSummary,
  number: number,
  withUser: boolean,
  { links, names, now, own }: Surroundings
): Html => {
  const mark = badge(session.id === own)
  const device = html`<a href="${links.session(session.id)}">${foreign(deviceOf(session))}</a>`
  const whose = html`<th scope="row">${Option.match(session.userId, { onNone: () => html`Guest`, onSome: (id) => person(links, names, id) })}${mark}</th><td data-name="Device">${device}</td>`
  return html`<tr>${withUser ? whose : html`<th scope="row">${device}${mark}</th>`}
<td class="address" data-name="Address">${addressOf(session)}</td><td data-name="Created">${ago(session.createdAt, now)}</td><td data-name="Last active">${ago(session.lastActivity, now)}</td>
<td class="action"><a class="button danger" href="${links.end({ kind: "session", id: session.id })}">End${hidden(` session ${number}, ${ownerOf(names, session)}, ${deviceOf(session)}`)}</a></td></tr>`
}
