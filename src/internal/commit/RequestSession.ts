/**
 * The session of one request: all that changes while the request runs.
 *
 * A `Life` is the stay of the request in one session. It is given up as a whole: when the session is destroyed, gone, or its
 * fate unknown, another life takes its place, and a commit that comes late settles a life that nobody looks at.
 */
import {
  type CookieDuty,
  type IdChange,
  keepCookie,
  type Position,
  type Prediction,
  type StoredPosition
} from "../../core/commit/model.js"
import { makeSecret } from "../../core/http/csrf.js"
import { makeToken, tokenId } from "../../core/record/token.js"
import { isFault } from "../../core/session/fault.js"
import { flashIds } from "../../core/session/flash.js"
import { apply, type Operation } from "../../core/session/operation.js"
import { display, type Key } from "../../core/session/path.js"
import { initial, type State } from "../../core/session/state.js"
import type { SessionStoreError } from "../errors/errors.js"
import { toSessionError } from "../errors/toSessionError.js"
import { now, type RequestContext } from "./RequestContext.js"

/**
 * `open`: the request works on a stored session, or may begin one. `retired`: its session is gone, or was moved away from
 * its id: it sees an empty session, which is stored only after an explicit `start`, `regenerate` or `login`. `skipped`:
 * nothing is ever stored.
 */
export type Phase = "open" | "retired" | "skipped"

/** The stay of a request in one session. */
export class Life {
  /** What the handler sees. */
  state: State
  /** What the handler has recorded and no commit has brought to the store yet. */
  pending: ReadonlyArray<Operation> = []
  /** A new id that waits for the commit. */
  change: IdChange | null = null
  /** What the pending operations make of what is stored, while the handler sees just that. */
  predicted: Prediction | null = null
  /** The stored flash that this request was shown. */
  readonly shownFlash: ReadonlyArray<string>
  /** No stored session came with it. */
  readonly isNew: boolean

  constructor(
    readonly phase: Phase,
    public position: Position,
    /** What an unwritten session looks like; of no meaning while one is stored. */
    readonly empty: State,
    public cookie: CookieDuty,
    /** The id that the request came with, when it is retired. */
    readonly retiredId: string | null,
    /** Why the life before this one was given up: nothing is committed on top of what nobody knows. */
    readonly failure: SessionStoreError | null = null
  ) {
    this.state = position.stored?.state ?? empty
    this.shownFlash = flashIds(this.state)
    this.isNew = position.stored === null
  }

  /** The public id the session has, or will have once it is committed. */
  get id(): string {
    return this.change?.id ?? this.position.id
  }
}

/** The life of a request that has no stored session, or none any more. */
export const emptyLife = (
  request: RequestContext,
  phase: Phase,
  cookie: CookieDuty = keepCookie,
  retiredId: string | null = null,
  failure: SessionStoreError | null = null
): Life => {
  const empty = initial(makeSecret(), now(request))
  return new Life(phase, newPosition(request), empty, cookie, retiredId, failure)
}

/** The life of a request on a session that was found. The client of an alias is handed the current cookie. */
export const lifeAt = (at: StoredPosition): Life => {
  const cookie: CookieDuty = at.tokenFrom === "alias" ? { _tag: "Set", at } : keepCookie
  return new Life("open", at, at.stored.state, cookie, null)
}

/** The session of one request. Only this folder writes to it. */
export class RequestSession {
  /** Set once the head has left: reports a write that comes too late to be committed with the response. */
  onLateWrite: ((verb: string, key: string) => void) | null = null
  /** The id the request began with: what it asks of the store waits for others with the same one. */
  readonly arrivedAt: string

  constructor(
    readonly request: RequestContext,
    public life: Life
  ) {
    this.arrivedAt = life.position.id
  }

  /** Destroyed: goes on with an empty session of its own, which is stored when something is written. */
  restart(cookie: CookieDuty = keepCookie): void {
    const phase = this.life.phase === "skipped" ? "skipped" : "open"
    this.life = emptyLife(this.request, phase, cookie)
  }

  /** Gone: what was to be stored is dropped, and nothing of it may come back under another id. */
  retire(): void {
    this.life = emptyLife(this.request, "retired", keepCookie, ownId(this.life))
  }

  /** Given up because nobody can tell what is stored. What was committed before keeps its cookie. */
  giveUp(error: SessionStoreError): void {
    const { life, request } = this
    this.life = emptyLife(request, "retired", life.cookie, ownId(life), error)
  }

  /** Shows this request no session and stores nothing; the session itself lives on. */
  withhold(retiredId: string | null): void {
    this.life = emptyLife(this.request, "retired", keepCookie, retiredId)
  }

  /** The head has left: no cookie can be sent any more, so a new id that is not committed yet is dropped. */
  leave(report: (verb: string, key: string) => void): void {
    this.onLateWrite = report
    this.life.change = null
  }

  /** Leaves the session as it is: the request sees it, and nothing of the request is stored. */
  skip(): void {
    const { cookie, empty, position, retiredId, state } = this.life
    this.life = new Life("skipped", position, empty, cookie, retiredId)
    this.life.state = state
  }
}

/** The id by which this request could end its session. */
export const ownId = ({ position, retiredId }: Life): string | null =>
  position.stored?.record.id ?? retiredId

/** The position of a session that is not stored yet. */
export const newPosition = ({ settings }: RequestContext): Position => {
  const token = makeToken()
  return { stored: null, token, id: tokenId(token, settings.namespace), tokenFrom: "here" }
}

/** Runs an operation on what the handler sees, and records it. Throws the error of `verb` where it does not fit. */
export const record = (
  session: RequestSession,
  verb: string,
  key: Key,
  operation: Operation
): void => {
  const { life } = session
  const next = apply(life.state, operation)
  if (isFault(next)) throw toSessionError(next, verb, display(key))
  life.predicted = predictionOf(life, next)
  life.state = next
  life.pending = [...life.pending, operation]
  session.onLateWrite?.(verb, display(key))
}

const predictionOf = ({ pending, position, predicted, state }: Life, next: State) => {
  const from = position.stored?.state
  if (from === undefined) return null
  const holds = pending.length === 0 ? state === from : predicted?.state === state
  return holds ? { from, state: next } : null
}

/** Records several operations, or none where one of them throws. */
export const recordAll = (session: RequestSession, run: () => void): void => {
  const { life } = session
  const { pending, predicted, state } = life
  try {
    run()
  } catch (error) {
    Object.assign(life, { pending, predicted, state })
    throw error
  }
}

/** Plans a new id for the commit. A quarantine is never weakened to an alias. */
export const changeId = (
  session: RequestSession,
  kind: IdChange["kind"],
  reason: IdChange["reason"]
): string => {
  const { life, onLateWrite, request } = session
  // Once the head has left, the client could not be told its new cookie any more.
  if (onLateWrite !== null) onLateWrite(reason, "")
  else {
    const strongest = life.change?.kind === "quarantine" ? "quarantine" : kind
    life.change = newId(request, strongest, reason)
  }
  return life.id
}

/** Makes a change to a new id. */
export const newId = (
  { settings }: RequestContext,
  kind: IdChange["kind"],
  reason: IdChange["reason"]
): IdChange => {
  const token = makeToken()
  return { token, id: tokenId(token, settings.namespace), kind, reason }
}

/** Tells whether the handler has asked for a session, written to or not. */
export const isAskedFor = ({ pending }: Life): boolean =>
  pending.some(({ _tag }) => _tag === "start")

/** Tells whether the request's id is retired and the handler has not asked for another session. */
export const isRetired = (life: Life): boolean =>
  life.phase === "retired" && life.position.stored === null && !isAskedFor(life)

/** Asks for a session even if nothing is written; also where the request's own is retired. */
export const startSession = (session: RequestSession, verb: string): void => {
  const { life } = session
  if (life.position.stored === null && !isAskedFor(life)) {
    record(session, verb, "", { _tag: "start" })
  }
}
