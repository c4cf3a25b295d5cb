/** Consume: takes a value out of the stored session at once, so that of parallel requests exactly one gets it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { allFlashIds, shadowIds } from "../../core/session/flash.js"
import { copy, equals, type Json } from "../../core/session/json.js"
import type { Operation } from "../../core/session/operation.js"
import { applyAll, Misfit } from "../../core/session/operation.js"
import { read } from "../../core/session/read.js"
import type { State } from "../../core/session/state.js"
import { SessionStoreError } from "../errors/errors.js"
import { commitApart } from "./commitPending.js"
import { runCommit, runOnNewest } from "./engine.js"
import { now } from "./RequestContext.js"
import { type Life, type RequestSession, record } from "./RequestSession.js"

type Path = ReadonlyArray<string>

/** Takes the value at a path: from what is stored, or from what this request has pending there itself. */
export const consume = (
  session: RequestSession,
  path: Path,
  key: string
): Effect.Effect<Option.Option<Json>, SessionStoreError> =>
  Effect.suspend(() => {
    const { life, request } = session
    if (life.failure !== null) return Effect.fail(life.failure)
    return isPendingAt(life, path, now(request))
      ? Effect.succeed(takePending(session, path, key))
      : Effect.map(takeStored(session, path), Option.map(copy))
  })

const takePending = (session: RequestSession, path: Path, key: string): Option.Option<Json> => {
  const { state } = session.life
  const value = read(state, path, now(session.request))
  if (value === undefined) return Option.none()
  const seen = shadowIds(state, [path[0] as string])
  record(session, "consume", key, { _tag: "forget", paths: [path], seen })
  return Option.some(copy(value))
}

const takeStored = (
  session: RequestSession,
  path: Path
): Effect.Effect<Option.Option<Json>, SessionStoreError> => {
  let taken: Json | undefined
  const take = (newest: State): ReadonlyArray<Operation> => {
    taken = read(newest, path, now(session.request))
    return taken === undefined ? [] : [forgetting(newest, path)]
  }
  const unseen = (shown: State) => [forgetting(shown, path)]
  // What this request has not seen may have been stored since it began.
  const run = take(session.life.state).length > 0 ? runCommit : runOnNewest
  const consumed = Effect.map(commitApart(session, "consume", take, { run, unseen }), (outcome) => {
    forgetPending(session, path)
    return outcome === "done" ? Option.fromNullable(taken) : Option.none()
  })
  // To forget a value always fits; what cannot be stored is a fault of the program.
  return Effect.catchTags(consumed, {
    SessionConflict: (cause) =>
      Effect.fail(new SessionStoreError({ operation: "consume", reason: "timeout", cause })),
    SessionEncodeError: (error) => Effect.die(error)
  })
}

/** Where an operation that is pending would bring the value back, it is forgotten once more. */
const forgetPending = (session: RequestSession, path: Path): void => {
  const { life, request } = session
  const stored = life.position.stored?.state ?? life.empty
  // Where something is left in its place, as in a list, it is another value.
  if (read(stored, path, now(request)) !== undefined) return
  const replayed = applyAll(stored, life.pending)
  if (replayed instanceof Misfit || read(replayed, path, now(request)) === undefined) return
  record(session, "consume", "", forgetting(replayed, path))
}

const forgetting = (state: State, path: Path): Operation => ({
  _tag: "forget",
  paths: [path],
  seen: allFlashIds(state)
})

/** Tells whether what this request would store at a path is its own, and not what it found there. */
const isPendingAt = (
  { pending, position, state }: Life,
  path: Path,
  nowMillis: number
): boolean => {
  if (position.stored === null) return true
  const stored = read(position.stored.state, path, nowMillis)
  return (
    !equals(read(state, path, nowMillis), stored) ||
    pending.some((operation) => writesTo(operation, path))
  )
}

const writesTo = (operation: Operation, path: Path): boolean => {
  switch (operation._tag) {
    case "put":
      return operation.path.every((segment, at) => at >= path.length || segment === path[at])
    case "flash":
    case "now":
      return operation.name === path[0]
    default:
      return false
  }
}
