/** The page that asks before sessions are ended: what will end, how many, and whose. */
import type { SessionSummary } from "../../SessionAdmin.js"
import { foreign, type Html, html, nothing, trusted } from "./html.js"
import { notice, type Page, wayBack } from "./layout.js"
import type { Target } from "./links.js"
import type { Surroundings } from "./list.js"
import { addressOf, deviceOf, nameOf, ownerOf } from "./people.js"
import { fact } from "./sessionPage.js"
import { ago, count } from "./words.js"

/** What would be ended. */
export type Doomed =
  | { readonly kind: "session"; readonly session: SessionSummary }
  | { readonly kind: "user"; readonly userId: string; readonly count: number }
  | {
      readonly kind: "others"
      readonly session: SessionSummary
      readonly userId: string
      readonly count: number
    }

/** The page; `field` is the hidden CSRF input. */
export const confirmPage = (
  target: Target,
  doomed: Doomed,
  isOwn: boolean,
  around: Surroundings,
  field: string
): Page => {
  const { links } = around
  const { button, question, what } = wordsFor(doomed, around)
  const back = backFrom(doomed, around)
  return {
    title: "End sessions?",
    main: html`${wayBack(links)}
<div class="panel narrow"><h1>${question}</h1>
${isOwn ? notice("bad", "Your own session is among them: you will be logged out.") : nothing}
${what}
<form class="row" method="post" action="${links.end(target)}">${trusted(field)}<button class="danger full">${button}</button><a class="button" href="${back}">Cancel</a></form></div>`
  }
}

interface Words {
  readonly question: Html
  readonly what: Html
  readonly button: string
}

const wordsFor = (doomed: Doomed, around: Surroundings): Words => {
  const { names } = around
  if (doomed.kind === "session") {
    return {
      question: html`End this session of ${foreign(ownerOf(names, doomed.session))}?`,
      what: html`<p>The next request of this device is that of a guest.</p>${summary(doomed.session, around)}`,
      button: "End the session"
    }
  }
  const whose = foreign(nameOf(names, doomed.userId))
  const number = count(doomed.count, "session")
  const login = "A login that is under way is refused, too."
  return doomed.kind === "user"
    ? {
        question: html`End all sessions of ${whose}?`,
        what: html`<p><b>${number}</b> of ${whose} will end: every device is logged out. ${login}</p>`,
        button: `End ${number}`
      }
    : {
        question: html`End the other sessions of ${whose}?`,
        what: html`<p><b>${number}</b> of ${whose} will end. ${login} This one goes on:</p>${summary(doomed.session, around)}`,
        button: `End ${number}`
      }
}

const summary = (session: SessionSummary, { now }: Surroundings): Html =>
  html`<dl class="facts">${fact("Device", foreign(deviceOf(session)))}${fact("Address", addressOf(session))}${fact("Last active", ago(session.lastActivity, now))}</dl>`

const backFrom = (doomed: Doomed, { links }: Surroundings): string =>
  doomed.kind === "user" ? links.list({ userId: doomed.userId }) : links.session(doomed.session.id)
