/**
 * Brings all sessions of one store to another: `copyAll` leaves them where they are, too, `moveAll` takes them away.
 *
 * Both list the store to its end, then take many sessions at a time, so that a store that can do many calls by one statement
 * does. Servers may write meanwhile, so both list again until there is nothing new. Each session is written by one
 * conditional call: a run that stops leaves nothing half done, and the next one goes on from there.
 */
import { randomBytes } from "node:crypto"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { entryOf, type SessionEntry, type SessionRecord } from "../../../core/record/record.js"
import { SessionConfigError, type SessionStoreError } from "../../errors/errors.js"
import type { CopyReport, Service } from "../contract.js"
import { each } from "../derived.js"
import { ownRecord } from "../revocations.js"
import { findOrCopy, isHidden, type Stores } from "./handover.js"

type Result<A> = Effect.Effect<A, SessionStoreError>

type OnProgress = (report: CopyReport) => Effect.Effect<void>

/** How many sessions are under way at the same time. */
const concurrency = 128

/** How often `copyAll` lists at most: on a busy store there is always something new. */
const mostRounds = 5

/**
 * Copies the live sessions of `from`. Where both stores have a session, the version with the higher number stays.
 *
 * It follows what happens in `from` until its last listing: a session that changed is copied again, and a session that
 * ended ends in `to`, unless it was used there.
 */
export const copyAll = (from: Service, to: Service, onProgress?: OnProgress): Result<CopyReport> =>
  Effect.gen(function* () {
    yield* refuseOneStore(from, to)
    // What needs no copy, because both stores have the same, and what this run has written.
    const known = (yield* list(to)).stamps
    const written = new Map<string, string>()
    const progress = new Progress(onProgress)
    const copyOne = (id: string) =>
      Effect.gen(function* () {
        const found = yield* from.find(id)
        if (Option.isNone(found)) return
        const stamp = stampOf(entryOf(found.value))
        if (yield* write(to, found.value)) written.set(found.value.id, stamp)
        known.set(found.value.id, stamp)
        progress.report.copied = written.size
      })
    for (let round = 1; round <= mostRounds; round++) {
      const { stamps, previousIds } = yield* list(from)
      const due = Array.from(stamps.keys()).filter((id) => known.get(id) !== stamps.get(id))
      const gone = [...written].filter(([id]) => !stamps.has(id) && !previousIds.has(id))
      if (round > 1 && due.length + gone.length === 0) break
      progress.report.total += round === 1 ? stamps.size : due.length
      progress.report.done += round === 1 ? stamps.size - due.length : 0
      for (const id of due) known.set(id, stamps.get(id) ?? "")
      yield* progress.of(due, copyOne)
      yield* Effect.forEach(gone, ([id, stamp]) => endCopy(to, id, stamp), { concurrency })
      for (const [id] of gone) written.delete(id)
    }
    return progress.report
  })

/** Writes a session to `to` unless that one has the same or a newer version. Tells whether it has. */
const write = (to: Service, record: SessionRecord): Result<boolean> =>
  Effect.gen(function* () {
    const { id, previous, version } = record
    const before = previous === null ? Option.none() : yield* to.find(previous.id)
    // It was copied when it still had its previous id.
    if (Option.isSome(before) && before.value.id === previous?.id) {
      return yield* to.move(previous.id, record, before.value.version)
    }
    if (yield* to.insert(record)) return true
    // None: it ended in `to`, which keeps it, and an ended session is never revived.
    const there = yield* to.find(id)
    if (Option.isNone(there) || there.value.version > version) return false
    return there.value.version < version
      ? yield* to.update(record, there.value.version)
      : yield* to.touch(id, version, record.lastActivityMillis, record.expiresAtMillis)
  })

/** Ends a session that this run has copied, and that has ended in `from` since, unless it was used in `to`. */
const endCopy = (to: Service, id: string, stamp: string): Result<void> =>
  Effect.flatMap(to.find(id), (found) =>
    Option.exists(found, (record) => stampOf(entryOf(record)) === stamp)
      ? Effect.asVoid(to.remove(id))
      : Effect.void
  )

/** Moves the live sessions of `from`, as a request does that finds one of them. Sessions that cannot be read stay. */
export const moveAll = (stores: Stores, onProgress?: OnProgress): Result<CopyReport> =>
  Effect.gen(function* () {
    yield* refuseOneStore(stores.from, stores.to)
    const handled = new Set<string>()
    const progress = new Progress(onProgress)
    const moveOne = (id: string) =>
      Effect.gen(function* () {
        yield* findOrCopy(stores, id)
        const rest = yield* stores.from.find(id)
        if (Option.exists(rest, (record) => record.id === id)) yield* stores.from.remove(id)
        progress.report.copied += 1
      })
    for (;;) {
      const ids: Array<string> = []
      // A claim is listed too: a process may have stopped there.
      yield* each(stores.from.entries({}), ({ id }) => {
        if (!handled.has(id)) ids.push(id)
      })
      if (ids.length === 0) return progress.report
      for (const id of ids) handled.add(id)
      progress.report.total += ids.length
      yield* progress.of(ids, moveOne)
    }
  })

/** The report of a run, and how often it is shown. */
class Progress {
  readonly report = { total: 0, done: 0, copied: 0, unreadable: 0 }
  private shownMillis = 0

  constructor(private readonly onProgress: OnProgress = () => Effect.void) {}

  /** Takes a step for each session, and shows the report before, meanwhile and in the end, also of an interruption. */
  of(ids: ReadonlyArray<string>, step: (id: string) => Result<void>): Result<void> {
    const stepOf = (id: string) =>
      Effect.catchIf(
        step(id),
        ({ reason }) => reason === "corrupt",
        () => {
          this.report.unreadable += 1
          return Effect.logWarning(`The session ${id} cannot be read and is not copied.`)
        }
      )
    const show = Effect.suspend(() => {
      this.shownMillis = performance.now()
      return this.onProgress({ ...this.report })
    })
    const showInTime = Effect.suspend(() => {
      this.report.done += 1
      return performance.now() - this.shownMillis < showEveryMillis ? Effect.void : show
    })
    return Effect.zipRight(
      show,
      Effect.forEach(ids, (id) => Effect.zipRight(stepOf(id), showInTime), {
        concurrency,
        discard: true
      })
    ).pipe(Effect.ensuring(show))
  }
}

const showEveryMillis = 200

/** The live sessions of a store: what a listing tells of each, by which two versions of one can be told apart. */
const list = (store: Service) =>
  Effect.suspend(() => {
    const stamps = new Map<string, string>()
    const previousIds = new Set<string>()
    const see = (entry: SessionEntry) => {
      // A claim is no session: that lies in the other store of an earlier move.
      if (isHidden(entry)) return
      stamps.set(entry.id, stampOf(entry))
      if (entry.previousId !== null) previousIds.add(entry.previousId)
    }
    return Effect.as(each(store.entries({}), see), { stamps, previousIds })
  })

const stampOf = (entry: SessionEntry): string =>
  JSON.stringify([
    entry.lastActivityMillis,
    entry.expiresAtMillis,
    entry.payloadBytes,
    entry.previousId,
    entry.userId
  ])

/** Dies when `from` and `to` are one store: a move would remove its sessions from `from`, that is from `to`. */
const refuseOneStore = (from: Service, to: Service): Result<void> =>
  Effect.gen(function* () {
    const probe = yield* aProbe
    yield* to.insert(probe)
    const found = yield* Effect.ensuring(from.find(probe.id), Effect.ignore(to.remove(probe.id)))
    if (Option.isNone(found)) return
    const reason = "is the same store as `from`: there is nothing to copy."
    return yield* Effect.die(new SessionConfigError({ field: "to", reason }))
  })

/** Makes a record that no cookie leads to, to try a store with. */
export const aProbe: Effect.Effect<SessionRecord> = Effect.map(Clock.currentTimeMillis, (now) =>
  ownRecord({
    id: randomBytes(20).toString("hex"),
    namespace: "effect-session/probe",
    nowMillis: now,
    expiresAtMillis: now + 60_000,
    version: 1,
    payload: ""
  })
)
