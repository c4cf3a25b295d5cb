/** Runs a program against two servers and records what every client asked, when, and what it was told. */

import type { Step } from "../blackbox/operations.js"
import { pause } from "../support/process.js"
import { type Outcome, send } from "./client.js"
import type { Act, Kind, Program } from "./program.js"
import type { Sight } from "./server.js"

/** One request of the history. A lineage is one session under all the ids it has in its life. */
export interface Entry {
  readonly lineage: string
  readonly kind: Kind | "begin"
  readonly label: string
  readonly puts: boolean
  readonly who: string
  readonly startMillis: number
  /** Infinite where the outcome is unknown: what was asked for may happen at any time. */
  readonly endMillis: number
  readonly outcome: "answered" | "unknown"
  readonly reason: string
  readonly sight: Sight | undefined
  readonly cookieSent: string | undefined
  /** `null` when the answer deletes the cookie, `undefined` when it says nothing of it. */
  readonly cookieSet: string | null | undefined
}

export interface Ports {
  readonly of: (node: 0 | 1) => number
}

interface Lineage {
  readonly name: string
  cookie: string | undefined
  /** Every cookie it ever had. */
  readonly known: Array<string>
  /** Answers in a row that did not show it. */
  blanks: number
}

/** After so many answers that do not show the session its browser begins anew. */
const patience = 3

/** Runs all tabs of the program to their ends. */
export const recordHistory = async (
  program: Program,
  ports: Ports
): Promise<ReadonlyArray<Entry>> => {
  const history: Array<Entry> = []
  await Promise.all(
    program.browsers.map((tabs, index) =>
      runBrowser(tabs, { history, ports, name: `${program.seed}-${index}` })
    )
  )
  return history
}

interface Browser {
  readonly history: Array<Entry>
  readonly ports: Ports
  readonly name: string
}

const runBrowser = async (tabs: ReadonlyArray<ReadonlyArray<Act>>, browser: Browser) => {
  let count = 0
  let current: Promise<Lineage> | undefined
  const lineage = async (): Promise<Lineage> => {
    current ??= begin(browser, () => `${browser.name}-${count++}`)
    const found = await current
    if (found.blanks < patience) return found
    current = undefined
    return lineage()
  }
  const runTab = async (acts: ReadonlyArray<Act>, tab: number) => {
    for (const act of acts) {
      await pause(act.pauseMillis)
      await perform(browser, await lineage(), act, `${browser.name}/${tab}`)
    }
  }
  await Promise.all(tabs.map(runTab))
}

/** Begins a session; of those whose answer is lost nobody has the cookie. */
const begin = async (browser: Browser, nextName: () => string): Promise<Lineage> => {
  for (;;) {
    const lineage: Lineage = { name: nextName(), cookie: undefined, known: [], blanks: 0 }
    const steps: ReadonlyArray<Step> = [["put", "lineage", lineage.name]]
    const entry = await request(browser, lineage, {
      steps,
      kind: "begin",
      act: { label: lineage.name, node: 0, puts: false, abortAfterMillis: undefined },
      who: browser.name
    })
    if (entry.outcome === "answered") return lineage
    await pause(50)
  }
}

const perform = async (browser: Browser, lineage: Lineage, act: Act, who: string) => {
  const { kind } = act
  const older = lineage.known.filter((cookie) => cookie !== lineage.cookie)
  if (kind === "thief" && older.length === 0) return
  const entry = await request(browser, lineage, {
    steps: stepsOf(act, lineage.name),
    kind,
    act,
    who,
    ...(kind === "thief" ? { stolen: older[Math.floor(act.pick * older.length)] } : {})
  })
  // The servers may be coming back.
  if (entry.outcome === "unknown" && act.abortAfterMillis === undefined) await pause(40)
}

const stepsOf = ({ kind, label, puts, sleeps }: Act, lineage: string): ReadonlyArray<Step> => {
  const [first, second] = sleeps
  switch (kind) {
    case "change":
      return [
        ["sleep", first],
        ["increment", "count"],
        ["sleep", second],
        ["push", "list", label],
        ...(puts ? [["put", "register", label] as const] : [])
      ]
    case "flash":
      return [
        ["sleep", first],
        ["flash", `flash ${label}`, 1],
        ["sleep", second]
      ]
    case "login":
      return [
        ["sleep", first],
        ["login", `user of ${lineage}`],
        ["sleep", second]
      ]
    case "read":
      return [["sleep", first]]
    case "thief":
      return []
    default:
      return [["sleep", first], [kind], ["sleep", second]]
  }
}

interface Asked {
  readonly steps: ReadonlyArray<Step>
  readonly kind: Entry["kind"]
  readonly act: Pick<Act, "label" | "node" | "puts" | "abortAfterMillis">
  readonly who: string
  readonly stolen?: string | undefined
}

const request = async (browser: Browser, lineage: Lineage, asked: Asked): Promise<Entry> => {
  const { act, kind, stolen, who } = asked
  const run = { lineage: kind === "begin" ? null : lineage.name, steps: asked.steps }
  for (let tries = 0; ; tries++) {
    // Read anew for each try: another tab may have been given a newer one.
    const cookieSent = stolen ?? lineage.cookie
    const startMillis = performance.now()
    const port = browser.ports.of(tries % 2 === 0 ? act.node : act.node === 0 ? 1 : 0)
    const outcome = await send(port, run, cookieSent, act.abortAfterMillis)
    if (outcome._tag === "unsent") {
      await pause(20)
      continue
    }
    const entry = entryOf(outcome, { lineage, kind, act, who, startMillis, cookieSent })
    browser.history.push(entry)
    if (stolen === undefined) take(lineage, entry)
    return entry
  }
}

interface Sent {
  readonly lineage: Lineage
  readonly kind: Entry["kind"]
  readonly act: Asked["act"]
  readonly who: string
  readonly startMillis: number
  readonly cookieSent: string | undefined
}

const entryOf = (outcome: Exclude<Outcome, { _tag: "unsent" }>, sent: Sent): Entry => {
  const isAnswered = outcome._tag === "answered"
  return {
    lineage: sent.lineage.name,
    kind: sent.kind,
    label: sent.act.label,
    puts: sent.act.puts,
    who: sent.who,
    startMillis: sent.startMillis,
    endMillis: isAnswered ? performance.now() : Number.POSITIVE_INFINITY,
    outcome: outcome._tag,
    reason: isAnswered ? "" : outcome.reason,
    sight: isAnswered ? outcome.sight : undefined,
    cookieSent: sent.cookieSent,
    cookieSet: isAnswered ? outcome.cookie : undefined
  }
}

/** What a browser does with an answer. */
const take = (lineage: Lineage, entry: Entry): void => {
  if (entry.cookieSet === null) lineage.cookie = undefined
  else if (entry.cookieSet !== undefined) {
    lineage.cookie = entry.cookieSet
    if (!lineage.known.includes(entry.cookieSet)) lineage.known.push(entry.cookieSet)
  }
  if (entry.outcome === "unknown" || entry.kind === "begin") return
  const isBlank = entry.sight?.before.lineage !== lineage.name
  lineage.blanks = isBlank ? lineage.blanks + 1 : 0
}
