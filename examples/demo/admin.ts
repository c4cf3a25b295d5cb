/** The page of the administrator: who is here, how many came in each hour, and buttons that end sessions. */
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type { SessionAdmin } from "effect-session"
import { browserName, count, type Html, hidden, html, nothing, time, trusted } from "./html.js"

type Summary = SessionAdmin.SessionSummary
type Hour = SessionAdmin.Hour

/** What the page shows. */
export interface Report {
  /** The sessions that were active in the last quarter of an hour. */
  readonly active: ReadonlyArray<Summary>
  readonly hours: ReadonlyArray<Hour>
  readonly usage: SessionAdmin.Usage
  readonly nameOf: (userId: string) => string
  /** The id of the session and of the user that look at the page. */
  readonly own: { readonly session: string; readonly user: string }
  readonly now: DateTime.Utc
}

/** The whole page. */
export const admin = (report: Report, field: Html): Html => {
  const { active, hours, usage } = report
  return html`<h1>Who is here</h1>
<dl class="tiles">
${tile("Active users", usersOf(active).size, "in the last 15 minutes")}
${tile("Active sessions", active.length, "guests included")}
${tile("Stored sessions", usage.sessions, `${(usage.payloadBytes / 1024).toFixed(1)} KiB`)}
</dl>
<h2>Sessions by hour</h2>
${chart(hours)}
<h2>Users</h2>
${users(report, field)}
<h2>Sessions</h2>
${sessions(report, field)}`
}

const tile = (name: string, figure: number, note: string): Html =>
  html`<div class="panel"><dt>${name}</dt><dd class="large">${figure}</dd><dd class="soft">${note}</dd></div>`

/** The sessions of each user who is logged in. */
const usersOf = (active: ReadonlyArray<Summary>): ReadonlyMap<string, ReadonlyArray<Summary>> => {
  const found = new Map<string, Array<Summary>>()
  for (const session of active) {
    if (Option.isNone(session.userId)) continue
    found.set(session.userId.value, [...(found.get(session.userId.value) ?? []), session])
  }
  return found
}

const hourOf = (hour: Hour): string =>
  `${String(new Date(hour.start.epochMillis).getUTCHours()).padStart(2, "0")}:00`

/** A column for each hour, and the same figures as a table. */
const chart = (hours: ReadonlyArray<Hour>): Html => {
  const most = Math.max(1, ...hours.map(({ sessions }) => sessions))
  const peak = hours.find(({ sessions }) => sessions === most)
  const summary =
    peak === undefined
      ? "No sessions in the last 24 hours."
      : `The busiest of the last 24 hours began at ${hourOf(peak)} UTC, with ${count(most, "session")}.`
  return html`<figure class="panel"><svg class="chart" viewBox="0 0 240 64" preserveAspectRatio="none" aria-hidden="true">
${hours.map(({ sessions }, index) => column(index, hours.length, sessions / most))}</svg>
<div class="axis soft" aria-hidden="true"><span>${hours[0] === undefined ? "" : hourOf(hours[0])}</span><span>UTC</span><span>now</span></div>
<figcaption>${summary}</figcaption>
<details><summary>Show the figures</summary><table><thead><tr><th scope="col">Hour (UTC)</th><th scope="col" class="figure">Sessions</th>
<th scope="col" class="figure">Users</th></tr></thead>
<tbody>${hours.map((hour) => html`<tr><th scope="row">${hourOf(hour)}</th><td class="figure">${hour.sessions}</td><td class="figure">${hour.users}</td></tr>`)}</tbody></table></details></figure>`
}

const column = (index: number, columns: number, part: number): Html => {
  const width = 240 / columns
  const height = part === 0 ? 1 : Math.max(3, part * 62)
  return trusted(
    `<rect x="${index * width + 1}" y="${64 - height}" width="${width - 2}" height="${height}" rx="1"${part === 0 ? ' class="none"' : ""}/>`
  )
}

const users = ({ active, nameOf, now, own }: Report, field: Html): Html =>
  html`<table class="stacks"><thead><tr><th scope="col">User</th><th scope="col" class="figure">Sessions</th><th scope="col">Last active</th>
<th scope="col">${hidden("Actions")}</th></tr></thead>
<tbody>${Array.from(usersOf(active), ([id, sessions]) => userLine(id, nameOf(id), sessions, id === own.user, now, field))}</tbody></table>`

const userLine = (
  id: string,
  name: string,
  sessions: ReadonlyArray<Summary>,
  isOwn: boolean,
  now: DateTime.Utc,
  field: Html
): Html => html`<tr><th scope="row">${name}${isOwn ? html` <span class="badge">You</span>` : nothing}</th>
<td class="figure" data-name="Sessions">${sessions.length}</td>
<td data-name="Last active">${sessions[0] === undefined ? nothing : time(sessions[0].lastActivity, now)}</td>
<td class="action">${
  isOwn
    ? nothing
    : html`<form method="post" action="/admin/log-out-user">${field}
<button class="quiet danger" name="user" value="${id}">Log out everywhere${hidden(` user ${name}`)}</button></form>`
}</td></tr>`

const sessions = ({ active, nameOf, now, own }: Report, field: Html): Html =>
  html`<table class="stacks"><thead><tr><th scope="col">User</th><th scope="col">Browser</th><th scope="col">Address</th><th scope="col">Last active</th>
<th scope="col">${hidden("Actions")}</th></tr></thead>
<tbody>${active.map((session, index) => sessionLine(session, index + 1, nameOf, session.id === own.session, now, field))}</tbody></table>`

const sessionLine = (
  session: Summary,
  number: number,
  nameOf: Report["nameOf"],
  isOwn: boolean,
  now: DateTime.Utc,
  field: Html
): Html => {
  const agent = Option.getOrElse(session.userAgent, () => "")
  const name = Option.match(session.userId, { onNone: () => "Guest", onSome: nameOf })
  return html`<tr><th scope="row">${name}${isOwn ? html` <span class="badge">This device</span>` : nothing}</th>
<td data-name="Browser" title="${agent}">${browserName(agent)}</td>
<td data-name="Address">${Option.getOrElse(session.ipAddress, () => "Unknown")}</td>
<td data-name="Last active">${time(session.lastActivity, now)}</td>
<td class="action">${
    isOwn
      ? nothing
      : html`<form method="post" action="/admin/end">${field}
<button class="quiet danger" name="id" value="${session.id}">End${hidden(` session ${number}, ${name}, ${browserName(agent)}`)}</button></form>`
  }</td></tr>`
}
