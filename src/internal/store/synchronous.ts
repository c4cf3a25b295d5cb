/** What is left of the synchronous path of the memory store: no store has one. */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import type { Service } from "./contract.js"

/** The calls of a store that never waits. */
export interface Steps {
  readonly find: (nowMillis: number, id: string) => Option.Option<SessionRecord>
  readonly update: (nowMillis: number, record: SessionRecord, expectedVersion: number) => boolean
}

/** Gives nothing: every store is called by its effects. */
export const stepsOf = (_store: Service): Steps | null => null

/** Is false for every store. */
export const isSynchronous = (_store: Service): boolean => false

/** How an effect has ended that needs no run any more. */
export const exitOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Exit.Exit<A, E> | undefined =>
  // An exit is an effect that gives what it says.
  Exit.isExit(effect) ? (effect as Exit.Exit<A, E>) : undefined
