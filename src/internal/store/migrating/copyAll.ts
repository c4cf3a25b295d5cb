/**
 * Brings all sessions of one store to another: `copyAll` leaves them where they are, too, `moveAll` takes them away.
 *
 * Both list the store to its end, then take many sessions at a time, so that a store that can do many calls by one statement
 * does. Servers may write meanwhile, so both list again until there is nothing new. Each session is written by one
 * conditional call: a run that stops leaves nothing half done, and the next one goes on from there.
 */
import { randomBytes } from "node:crypto"
import * as Arr from "effect/Array"
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

/** How many sessions are written by one call, how many such calls run at the same time, and how many single ones. */
const batchSize = 100
const batchesAtOnce = 4
const concurrency = 64

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
    const isNew = ({ id, previous }: SessionRecord) =>
      !known.has(id) && !(previous !== null && known.has(previous.id))
    const copySome = (ids: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const find = (id: string) => progress.skippingUnreadable(id, from.find(id))
        const found = yield* Effect.forEach(ids, find, { concurrency: ids.length })
        const [others, fresh] = Arr.partition(found.flatMap(Option.toArray), isNew)
        const stored = yield* insertMany(to, fresh)
        const copyOne = (record: SessionRecord, isStored: boolean | undefined) =>
          Effect.map(isStored === true ? Effect.succeed(true) : write(to, record), (isWritten) => {
            const stamp = stampOf(entryOf(record))
            known.set(record.id, stamp)
            if (isWritten) written.set(record.id, stamp)
          })
        yield* Effect.forEach([...fresh, ...others], (one, at) => copyOne(one, stored[at]), {
          concurrency,
          discard: true
        })
        progress.report.copied = written.size
        yield* progress.add(ids.length)
      })
    const rounds = Effect.gen(function* () {
      for (let round = 1; round <= mostRounds; round++) {
        const { stamps, previousIds } = yield* list(from)
        const isDue = (id: string) =>
          known.get(id) !== stamps.get(id) && !progress.unreadable.has(id)
        const due = [...stamps.keys()].filter(isDue)
        const gone = [...written].filter(([id]) => !stamps.has(id) && !previousIds.has(id))
        if (round > 1 && due.length + gone.length === 0) break
        yield* progress.add(
          round === 1 ? stamps.size - due.length : 0,
          round === 1 ? stamps.size : due.length
        )
        yield* Effect.forEach(Arr.chunksOf(due, batchSize), copySome, {
          concurrency: batchesAtOnce,
          discard: true
        })
        yield* Effect.forEach(gone, ([id, stamp]) => endCopy(to, id, stamp), { concurrency })
        for (const [id] of gone) written.delete(id)
      }
    })
    return yield* progress.during(rounds)
  })

/** Stores many at once, or none where that is refused because of one of them. */
const insertMany = (to: Service, records: ReadonlyArray<SessionRecord>) =>
  records.length === 0
    ? Effect.succeed([])
    : Effect.catchIf(
        to.insertMany(records),
        ({ reason }) => reason !== "unavailable" && reason !== "timeout",
        () => Effect.succeed([])
      )

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
    if (Option.isNone(there)) return false
    const current = there.value
    if (current.version < version) return yield* to.update(record, current.version)
    const { expiresAtMillis, lastActivityMillis } = record
    return current.version === version && current.lastActivityMillis < lastActivityMillis
      ? yield* to.touch(id, version, lastActivityMillis, expiresAtMillis)
      : false
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
        return Option.none()
      })
    const rounds = Effect.gen(function* () {
      for (;;) {
        const ids: Array<string> = []
        // A claim is listed too: a process may have stopped there.
        yield* each(stores.from.entries({}), ({ id }) => {
          if (!handled.has(id)) ids.push(id)
        })
        if (ids.length === 0) return
        for (const id of ids) handled.add(id)
        yield* progress.add(0, ids.length)
        const step = (id: string) =>
          Effect.zipRight(progress.skippingUnreadable(id, moveOne(id)), progress.add(1))
        yield* Effect.forEach(ids, step, { concurrency, discard: true })
      }
    })
    return yield* progress.during(rounds)
  })

/** The report of a run, and when it is shown. */
class Progress {
  readonly report = { total: 0, done: 0, copied: 0, unreadable: 0 }
  readonly unreadable = new Set<string>()
  private shownMillis = -Infinity

  constructor(private readonly onProgress: OnProgress = () => Effect.void) {}

  /** Adds to the report, and shows it if the last time is long ago. */
  add(done: number, total = 0): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.report.done += done
      this.report.total += total
      return performance.now() - this.shownMillis < showEveryMillis ? Effect.void : this.show
    })
  }

  /** Runs the whole, and shows the report in the end, also of an interruption. */
  during(run: Result<void>): Result<CopyReport> {
    return Effect.as(Effect.ensuring(run, this.show), this.report)
  }

  skippingUnreadable<A>(id: string, step: Result<Option.Option<A>>): Result<Option.Option<A>> {
    return Effect.catchIf(
      step,
      ({ reason }) => reason === "corrupt",
      () => {
        this.unreadable.add(id)
        this.report.unreadable = this.unreadable.size
        const warning = `The session ${id} cannot be read and is not copied.`
        return Effect.as(Effect.logWarning(warning), Option.none())
      }
    )
  }

  private readonly show = Effect.suspend(() => {
    this.shownMillis = performance.now()
    return this.onProgress({ ...this.report })
  })
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
