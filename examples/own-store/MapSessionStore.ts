/** A session store of one process, in a map. */
import { Clock, Duration, Effect, Layer, Option, Stream } from "effect"
import * as SessionStore from "effect-session/SessionStore"

type SessionRecord = SessionStore.SessionRecord
type SessionEntry = SessionStore.SessionEntry

/** The records by id, with an index of the previous ids. */
class Records {
  private readonly byId = new Map<string, SessionRecord>()
  private readonly idOfPrevious = new Map<string, string>()

  get(id: string): SessionRecord | undefined {
    return this.byId.get(id)
  }

  getByEitherId(id: string): SessionRecord | undefined {
    return this.byId.get(id) ?? this.byId.get(this.idOfPrevious.get(id) ?? "")
  }

  all(): ReadonlyArray<SessionRecord> {
    return [...this.byId.values()]
  }

  put(record: SessionRecord): void {
    this.delete(record.id)
    this.byId.set(record.id, record)
    if (record.previous !== null) this.idOfPrevious.set(record.previous.id, record.id)
  }

  delete(id: string): void {
    const previous = this.byId.get(id)?.previous
    if (previous) this.idOfPrevious.delete(previous.id)
    this.byId.delete(id)
  }
}

const isOver = (
  { endedAtMillis, expiresAtMillis }: Pick<SessionRecord, "endedAtMillis" | "expiresAtMillis">,
  now: number
): boolean => endedAtMillis !== null || expiresAtMillis <= now

const isFoundBy = ({ id, previous }: SessionRecord, asked: string, now: number): boolean =>
  id === asked || (previous !== null && previous.untilMillis > now)

const entryOf = ({ payload, previous, version, ...rest }: SessionRecord): SessionEntry => ({
  ...rest,
  previousId: previous?.id ?? null,
  payloadBytes: Buffer.byteLength(payload)
})

const matches = (filter: SessionStore.SessionFilter, entry: SessionEntry, now: number): boolean => {
  const { namespace, userId, activeSinceMillis, state = "live" } = filter
  return (
    (namespace === undefined || entry.namespace === namespace) &&
    (userId === undefined || entry.userId === userId) &&
    (activeSinceMillis === undefined || entry.lastActivityMillis >= activeSinceMillis) &&
    (state === "all" || (state === "over") === isOver(entry, now))
  )
}

// One synchronous step is atomic: JavaScript runs nothing else before it is done.
const atNow = <A>(step: (now: number) => A): Effect.Effect<A> =>
  Effect.map(Clock.currentTimeMillis, step)

const makePrimitives = (keepEndedMillis: number): SessionStore.Primitives => {
  const records = new Records()

  const canReplace = (id: string, version: number, now: number): boolean => {
    const record = records.get(id)
    return record !== undefined && record.version === version && !isOver(record, now)
  }

  return {
    find: (id) =>
      atNow((now) =>
        Option.fromNullable(records.getByEitherId(id)).pipe(
          Option.filter((record) => !isOver(record, now) && isFoundBy(record, id, now))
        )
      ),
    insert: (record) =>
      atNow(() => {
        if (records.get(record.id) !== undefined) return false
        records.put(record)
        return true
      }),
    update: (record, expectedVersion) =>
      atNow((now) => {
        if (!canReplace(record.id, expectedVersion, now)) return false
        records.put(record)
        return true
      }),
    move: (fromId, record, expectedVersion) =>
      atNow((now) => {
        if (!canReplace(fromId, expectedVersion, now)) return false
        if (records.get(record.id) !== undefined) return false
        records.delete(fromId)
        records.put(record)
        return true
      }),
    remove: (id) => atNow((now) => end(records, id, keepEndedMillis, now)),
    entries: (filter) =>
      Stream.fromIterableEffect(
        atNow((now) =>
          records
            .all()
            .map(entryOf)
            .filter((entry) => matches(filter, entry, now))
        )
      )
  }
}

const end = (
  records: Records,
  id: string,
  keepEndedMillis: number,
  now: number
): Option.Option<SessionEntry> => {
  const record = records.getByEitherId(id)
  if (record === undefined) return Option.none()
  const endedAtMillis = record.endedAtMillis ?? Math.min(now, record.expiresAtMillis)
  if (endedAtMillis + keepEndedMillis <= now) records.delete(record.id)
  else records.put({ ...record, payload: "", previous: null, endedAtMillis })
  return isOver(record, now) ? Option.none() : Option.some(entryOf(record))
}

export const layerWith = (options: {
  readonly keepEnded?: Duration.DurationInput
}): Layer.Layer<SessionStore.SessionStore> =>
  Layer.sync(SessionStore.SessionStore, () =>
    SessionStore.make(makePrimitives(Duration.toMillis(options.keepEnded ?? 0)), options)
  )

export const layer = layerWith({})
