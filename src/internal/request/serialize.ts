/** The beginning of a request that runs alone: the lease of its session first, then the session as it is by then. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Cell, Surroundings } from "../commit/cell.js"
import { acquire, heldByRequest, type Lease, type LeaseOptions } from "../commit/lease.js"
import { SessionConflict, type SessionStoreError } from "../errors/errors.js"
import { open } from "./load.js"

/**
 * Opens the session under its lease and goes on with `next`, which gives it back after the commit. A visitor without a
 * stored session goes on without a lease. Fails with a conflict when the lease cannot be had in time.
 */
export const openAlone = <A, R>(
  surroundings: Surroundings,
  cookieHeader: string | undefined,
  options: LeaseOptions,
  next: (cell: Cell, lease?: Lease) => Effect.Effect<A, never, R>
): Effect.Effect<A, SessionStoreError | SessionConflict, R> => {
  const began = performance.now()
  const opened = Effect.suspend(() => open(surroundings, cookieHeader))
  const attempt: Effect.Effect<A, SessionStoreError | SessionConflict, R> = Effect.flatMap(
    opened,
    (cell) => {
      if (cell.base === null) return next(cell)
      const { id } = cell.base.record
      const waitMillis = Math.max(0, options.waitMillis - (performance.now() - began))
      // Between the lease and the end of the request nothing may cut in, or it would be held until it lapses.
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          acquire(surroundings.store, id, { ...options, waitMillis }, restore),
          (held) => (Option.isNone(held) ? Effect.fail(busy()) : again(id, held.value))
        )
      )
    }
  )
  /** Reads the session again: who held the lease before may have changed it, or moved it to another id. */
  const again = (id: string, lease: Lease) =>
    Effect.flatMap(
      Effect.tapErrorCause(opened, () => lease.release),
      (cell) => {
        if (cell.base?.record.id === id) {
          return Effect.flatMap(heldByRequest(lease), (held) => next(cell, held))
        }
        return Effect.zipRight(lease.release, cell.base === null ? next(cell) : attempt)
      }
    )
  return attempt
}

const busy = () =>
  new SessionConflict({
    operation: "serialize",
    reason: "another request of the session is still running"
  })
