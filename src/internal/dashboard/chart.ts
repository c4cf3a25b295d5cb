/** Sessions and users by the hour, as columns and as a table. */
import type { Hour } from "../../SessionAdmin.js"
import { type Html, html, trusted } from "./html.js"
import { clock, count, grouped } from "./words.js"

const width = 480
const height = 100

/** The figure; `hours` is a day. */
export const chart = (hours: ReadonlyArray<Hour>): Html => {
  const most = Math.max(1, ...hours.map(({ sessions }) => sessions))
  const begins = hours.filter((_, index) => index % 6 === 0)
  return html`<figure class="panel" aria-labelledby="hours-summary">
<p class="legend soft" aria-hidden="true"><span class="of-sessions">Sessions</span><span class="of-users">Users</span></p>
<div class="plot" aria-hidden="true"><p class="scale soft"><span>${grouped(most)}</span><span>0</span></p>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${hours.map((hour, index) => columns(hour, index, hours.length, most))}</svg>
<p class="hours soft">${begins.map((hour) => html`<span>${clock(hour.start)}</span>`)}<span>now</span></p></div>
<figcaption id="hours-summary">${summary(hours, most)}</figcaption>
<details><summary>Show the figures</summary><table><thead><tr><th scope="col">Hour (UTC)</th><th scope="col" class="figure">Sessions</th><th scope="col" class="figure">Users</th></tr></thead>
<tbody>${hours.map(line)}</tbody></table></details></figure>`
}

const summary = (hours: ReadonlyArray<Hour>, most: number): string => {
  const peak = hours.find(({ sessions }) => sessions === most)
  return peak === undefined
    ? "There was no session in the last 24 hours."
    : `The busiest of the last 24 hours began at ${clock(peak.start)}, with ${count(most, "session")} and ${count(peak.users, "user")}.`
}

/** The users stand before the sessions, since each has one or more. */
const columns = (hour: Hour, index: number, hours: number, most: number): Html => {
  const step = width / hours
  const column = (figure: number, name: string) => {
    // One session must be seen beside a million.
    const tall = figure === 0 ? 0 : Math.max(1.5, (figure / most) * height)
    return `<rect class="${name}" x="${(index * step + 2).toFixed(2)}" y="${(height - tall).toFixed(2)}" width="${(step - 4).toFixed(2)}" height="${tall.toFixed(2)}"/>`
  }
  const title = html`<title>${clock(hour.start)}: ${count(hour.sessions, "session")}, ${count(hour.users, "user")}</title>`
  return trusted(
    `<g>${title.text}${column(hour.sessions, "of-sessions")}${column(hour.users, "of-users")}</g>`
  )
}

const line = (hour: Hour): Html =>
  html`<tr><th scope="row">${clock(hour.start)}</th><td class="figure">${grouped(hour.sessions)}</td><td class="figure">${grouped(hour.users)}</td></tr>`
