/** The overview: the figures, then the sessions. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { SuspiciousUser } from "../../SessionAdmin.js"
import { chart } from "./chart.js"
import type { Collections } from "./collections.js"
import type { Counted, Counting } from "./counting.js"
import { foreign, type Html, html, nothing } from "./html.js"
import { notice } from "./layout.js"
import type { Links } from "./links.js"
import type { Names } from "./options.js"
import { person } from "./people.js"
import { bytes, clock, count, grouped, length } from "./words.js"

/** What stands above the list. */
export const figures = (
  counting: Counting,
  collected: Collections,
  links: Links,
  names: Names
): Html => html`${stateOf(counting)}
${counting.last === undefined ? nothing : counted(counting.last, links, names)}
<section class="panel" aria-labelledby="collections"><h2 id="collections">Garbage collection</h2>${collections(collected)}</section>`

const stateOf = ({ last, state }: Counting): Html => {
  if (last !== undefined) {
    const later = state === "fresh" ? "" : "; newer figures are not there yet"
    return html`<p class="as-of soft">As of ${clock(last.at)} UTC${later}.</p>`
  }
  return state === "failed"
    ? notice(
        "bad",
        "The figures are not there: the store could not be asked. Details are in the log of the server."
      )
    : html`<p class="as-of" role="status">The sessions are being counted. This page looks again in a moment.</p>`
}

const counted = ({ active, day }: Counted, links: Links, names: Names): Html => {
  const { ended, payloadBytes, sessions } = day.usage
  const average = Option.match(day.averageDuration, { onNone: () => "None", onSome: length })
  return html`<dl class="tiles">
${tile("Active users", grouped(active.users), "in the last 15 minutes")}
${tile("Active sessions", grouped(active.sessions), "in the last 15 minutes, with guests")}
${tile("Stored sessions", grouped(sessions), "live")}
${tile("Payloads", bytes(payloadBytes), "as stored")}
${tile("Ended sessions", grouped(ended), "over, and still kept")}
${tile("Average length", average, "of the last day's sessions")}
</dl>
<section aria-labelledby="hours"><h2 id="hours">Sessions by hour</h2>${chart(day.hourly.slice(-24))}</section>
<section class="panel" aria-labelledby="addresses"><h2 id="addresses">Users seen from several addresses</h2>${suspicious(day.suspicious, links, names)}</section>`
}

const tile = (name: string, figure: string, note: string): Html =>
  html`<div class="panel"><dt>${name}</dt><dd class="large">${figure}</dd><dd class="soft">${note}</dd></div>`

const suspicious = (users: ReadonlyArray<SuspiciousUser>, links: Links, names: Names): Html =>
  users.length === 0
    ? html`<p class="soft">No user was seen from more than one address in the last day.</p>`
    : html`<table class="stacks"><thead><tr><th scope="col">User</th><th scope="col">Addresses in the last day</th><th scope="col" class="figure">Sessions</th></tr></thead>
<tbody>${users.map(
        ({ addresses, sessions, userId }) =>
          html`<tr><th scope="row">${person(links, names, userId)}</th><td data-name="Addresses"><span>${someOf(addresses)}</span></td><td class="figure" data-name="Sessions">${grouped(sessions)}</td></tr>`
      )}</tbody></table>`

const shownAddresses = 3

const someOf = (addresses: ReadonlyArray<string>): Html => {
  const more = addresses.length - shownAddresses
  const shown = addresses.slice(0, shownAddresses).join(", ")
  return html`${foreign(shown)}${more > 0 ? ` and ${grouped(more)} more` : ""}`
}

const collections = ({ allMillis, longestMillis, runs, sessions }: Collections): Html =>
  runs === 0
    ? html`<p class="soft">This process has collected nothing since it was started.</p>`
    : html`<p>Since it was started, this process has removed <b>${count(sessions, "session")}</b> that were over, in <b>${count(runs, "collection")}</b>.
One took <b>${millis(allMillis / runs)}</b> on average, and <b>${millis(longestMillis)}</b> at the longest.</p>`

const millis = (number: number): string => length(Duration.millis(number))
