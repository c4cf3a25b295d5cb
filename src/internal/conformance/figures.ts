/** A table of figures: each line has rows to store, questions to ask and the answers to expect. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type { KeptFilter, Service } from "../store/contract.js"
import { hour } from "./clock.js"
import type { Fixture, StoreEffect, Test } from "./harness.js"
import { test } from "./harness.js"
import { inOrder } from "./manySessions.js"
import type { RecordOptions } from "./records.js"

/** What rows and filters refer to. */
interface Context extends Pick<Fixture, "store" | "namespace" | "now"> {
  readonly otherNamespace: string
  /** The beginning of the hour that contains `now`. */
  readonly thisHour: number
}

/** The sessions to store. */
export type Rows = (context: Context) => ReadonlyArray<RecordOptions>
/** What to ask the store. */
type Question = (context: Context) => StoreEffect<unknown>
/** A filter; the namespace is that of the test. */
export type Filter = (context: Context) => Partial<KeptFilter>

const contextOf = ({ store, namespace, now }: Fixture): Context => ({
  store,
  namespace,
  now,
  otherNamespace: `${namespace}2`,
  thisHour: Math.floor(now / hour) * hour
})

/** A test that stores rows, asks questions and expects the answers. */
export const figures = (
  claim: string,
  rows: Rows,
  ...answers: ReadonlyArray<readonly [question: Question, answer: unknown]>
): Test =>
  test(claim, function* (fixture) {
    const context = contextOf(fixture)
    yield* Effect.forEach(rows(context), fixture.stored, { discard: true })

    for (const [question, answer] of answers) {
      expect(yield* question(context)).toEqual(answer)
    }
  })

const filtered =
  (ask: (store: Service, filter: KeptFilter) => StoreEffect<unknown>) =>
  (filter: Filter = () => ({})): Question =>
  (context) =>
    ask(context.store, { namespace: context.namespace, ...filter(context) })

export const count = filtered((store, filter) => store.count(filter))
export const usage = filtered((store, filter) => store.usage(filter))
export const addresses = filtered((store, filter) => Effect.map(store.addresses(filter), inOrder))

/** Asks for the hours from `from` to before `until`, counted from this hour. */
export const hourly =
  (from: number, until: number): Question =>
  ({ store, namespace, thisHour }) => {
    const range = { fromMillis: thisHour + from * hour, untilMillis: thisHour + until * hour }
    return Effect.map(store.hourly({ namespace, ...range }), (hours) => ({
      hours: hours.map(({ startMillis }) => (startMillis - thisHour) / hour),
      sessions: hours.map(({ sessions }) => sessions),
      users: hours.map(({ users }) => users)
    }))
  }
