/** The page of one session: what is known of it, and its life. */
import * as Option from "effect/Option"
import type { SessionSummary } from "../../SessionAdmin.js"
import type { AuditEntry } from "../../SessionEvents.js"
import { foreign, type Html, html, nothing } from "./html.js"
import { notice, wayBack } from "./layout.js"
import type { Links } from "./links.js"
import type { Surroundings } from "./list.js"
import type { Names } from "./options.js"
import { addressOf, badge, deviceOf, nameOf, ownerOf, person } from "./people.js"
import { bytes, exact } from "./words.js"

/** What happened to a session; `undefined` where the app keeps no log, none where it cannot be read. */
export type History = Option.Option<ReadonlyArray<AuditEntry>> | undefined

/** The page of a session that lives. */
export const sessionPage = (
  session: SessionSummary,
  history: History,
  around: Surroundings
): Html => {
  const { links, names, own } = around
  return html`${wayBack(links)}
<h1>Session of ${foreign(ownerOf(names, session))}${badge(session.id === own)}</h1>
<div class="panel">${summary(session, around)}
<p class="row actions">${actions(session, links)}</p></div>
${history === undefined ? nothing : life(history, around)}`
}

const summary = (session: SessionSummary, { links, names, now }: Surroundings): Html => {
  const agent = Option.getOrElse(session.userAgent, () => "Unknown")
  const user = Option.match(session.userId, {
    onNone: () => html`None, it is a guest's`,
    onSome: (id) => person(links, names, id)
  })
  return html`<dl class="facts">
${fact("User", user)}
${fact("Device", html`${foreign(deviceOf(session))}<span class="id soft">${foreign(agent)}</span>`)}
${fact("Address", addressOf(session))}
${fact("Created", exact(session.createdAt, now))}
${fact("Last active", exact(session.lastActivity, now))}
${fact("Expires", exact(session.expiresAt, now))}
${fact("Payload", html`${bytes(session.payloadBytes)}`)}
${fact("Id", html`<code>${session.id}</code>`)}
</dl>`
}

/** A line of a list of facts. */
export const fact = (name: string, value: Html): Html =>
  html`<div><dt>${name}</dt><dd>${value}</dd></div>`

const actions = ({ id, userId }: SessionSummary, links: Links): ReadonlyArray<Html> => {
  const one = html`<a class="button danger" href="${links.end({ kind: "session", id })}">End this session</a>`
  return Option.isNone(userId)
    ? [one]
    : [
        one,
        html`<a class="button danger" href="${links.end({ kind: "others", id })}">End the other sessions of this user</a>`
      ]
}

/** The events of a session, the oldest first. */
export const life = (
  history: Option.Option<ReadonlyArray<AuditEntry>>,
  around: Surroundings
): Html =>
  html`<section aria-labelledby="life"><h2 id="life">What happened to it</h2>${Option.match(
    history,
    {
      onNone: () =>
        notice("bad", "The log could not be read. Details are in the log of the server."),
      onSome: (entries) =>
        entries.length === 0
          ? html`<p class="panel soft">The log says nothing about this session.</p>`
          : html`<div class="panel flush"><table class="stacks"><thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">User</th><th scope="col">From</th></tr></thead>
<tbody>${entries.map((entry) => event(entry, around))}</tbody></table></div>`
    }
  )}</section>`

const event = (entry: AuditEntry, { links, names, now }: Surroundings): Html => {
  const { at, clientAddress, userId } = entry
  return html`<tr><td data-name="When"><span>${exact(at, now)}</span></td><th scope="row">${whatOf(entry, names)}</th><td data-name="User">${userId === undefined ? nothing : person(links, names, userId)}</td><td class="address" data-name="From">${clientAddress === undefined ? nothing : foreign(clientAddress)}</td></tr>`
}

const sentences: Readonly<Record<string, string>> = {
  "session.created": "Created",
  "session.logged_in": "Logged in",
  "session.logged_out": "Logged out",
  "session.regenerated": "Got a new id",
  "session.destroyed": "Ended",
  "session.revoked": "Ended by an operator",
  "session.conflict_replayed": "Changes made again after a conflict",
  "session.guard_tripped": "A guard tripped",
  "session.payload_discarded": "Contents could not be read"
}

const whatOf = ({ actor, guard, name, policy, reason }: AuditEntry, names: Names): Html => {
  const details = [guard, policy, reason].filter((detail) => detail !== undefined).join(", ")
  const by =
    actor === undefined
      ? nothing
      : html` <span class="soft">by</span> ${foreign(nameOf(names, actor))}`
  const more = details === "" ? nothing : html`<span class="id soft">${foreign(details)}</span>`
  return html`${foreign(sentences[name] ?? name)}${by}${more}`
}

/** The users that a life names, those who ended the session too. */
export const usersIn = (history: History): ReadonlyArray<string> =>
  history === undefined
    ? []
    : Option.getOrElse(history, (): ReadonlyArray<AuditEntry> => []).flatMap(({ actor, userId }) =>
        [actor, userId].filter((id) => id !== undefined)
      )
