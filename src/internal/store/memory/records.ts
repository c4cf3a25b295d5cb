/**
 * The data structure behind the memory store: synchronous methods over maps, with the time as an argument.
 *
 * Records are immutable, so callers get them without a copy. `ended` holds the sessions that ended and are kept; `open`
 * holds all others, of which some may have expired.
 */
import {
  ended as endedRecord,
  entryOf,
  isCurrent,
  isDueForDeletion,
  isFoundBy,
  isOver,
  isSpared,
  matches,
  type SessionEntry,
  type SessionFilter,
  type SessionRecord,
  touched,
  withoutStaleToken
} from "../../../core/record/record.js"

/** How often a full store looks for expired sessions before it evicts a live one. */
const sweepIntervalMillis = 1000

/** The sessions of one memory store. */
export class MemoryRecords {
  /** Least recently written first when `maxSessions` is set, which makes the first one the one to evict. */
  private readonly open = new Map<string, SessionRecord>()
  private readonly ended = new Map<string, SessionRecord>()
  private readonly idOfPrevious = new Map<string, string>()
  private readonly idsOfUser = new Map<string, Set<string>>()
  private lastSweepMillis = Number.NEGATIVE_INFINITY

  constructor(
    private readonly keepEndedMillis: number,
    private readonly maxSessions: number | undefined
  ) {}

  find(id: string, now: number): SessionRecord | undefined {
    const record = this.open.get(id) ?? this.findMoved(id)
    return record !== undefined && isFoundBy(id, record, now) ? record : undefined
  }

  insert(record: SessionRecord, now: number): boolean {
    if (this.isTaken(record.id)) return false
    this.makeRoom(now)
    this.open.set(record.id, record)
    this.index(record)
    return true
  }

  update(record: SessionRecord, expectedVersion: number, now: number): boolean {
    const current = this.liveAt(record.id, expectedVersion, now)
    if (current === undefined) return false
    this.write(current, record)
    return true
  }

  move(fromId: string, record: SessionRecord, expectedVersion: number, now: number): boolean {
    const current = this.liveAt(fromId, expectedVersion, now)
    if (current === undefined || this.isTaken(record.id)) return false
    this.drop(current)
    this.open.set(record.id, record)
    this.index(record)
    return true
  }

  touch(
    id: string,
    version: number,
    lastActivity: number,
    expiresAt: number,
    now: number
  ): boolean {
    const current = this.liveAt(id, version, now)
    if (current === undefined) return false
    this.write(current, touched(current, lastActivity, expiresAt))
    return true
  }

  /** Ends the session with this id or previous id; gives its entry if it was live. */
  remove(id: string, now: number): SessionEntry | undefined {
    const record = this.open.get(id) ?? this.findMoved(id)
    if (record === undefined) {
      const ended = this.ended.get(id)
      if (ended !== undefined && this.isDue(ended, now)) this.ended.delete(id)
      return undefined
    }
    this.end(record, now)
    return isOver(record, now) ? undefined : entryOf(record)
  }

  /** Ends the live sessions that the filter lets through, except one; gives how many. */
  removeWhere(filter: SessionFilter, except: string | undefined, now: number): number {
    if (filter.state === "over") return 0
    let removed = 0
    for (const entry of this.select({ ...filter, state: "live" }, now)) {
      if (isSpared(entry, except)) continue
      this.remove(entry.id, now)
      removed += 1
    }
    return removed
  }

  /** Lists the sessions that the filter lets through now. */
  select(filter: SessionFilter, now: number): ReadonlyArray<SessionEntry> {
    const entries: Array<SessionEntry> = []
    for (const record of this.candidates(filter)) {
      const entry = entryOf(record)
      if (matches(filter, entry, now)) entries.push(entry)
    }
    return entries
  }

  /** Ends or deletes at most `limit` sessions that are over, and erases the sealed tokens it meets. */
  collect(limit: number, now: number): number {
    let collected = 0
    for (const record of this.ended.values()) {
      if (collected >= limit) return collected
      if (!this.isDue(record, now)) continue
      this.ended.delete(record.id)
      collected += 1
    }
    for (const record of this.open.values()) {
      if (collected >= limit) return collected
      if (isOver(record, now)) {
        this.end(record, now)
        collected += 1
      } else {
        const erased = withoutStaleToken(record, now)
        // Not through `write`, because this is no activity and must not change the order of the map.
        if (erased !== record) this.open.set(record.id, erased)
      }
    }
    return collected
  }

  private liveAt(id: string, version: number, now: number): SessionRecord | undefined {
    const current = this.open.get(id)
    return current !== undefined && isCurrent(current, version, now) ? current : undefined
  }

  private findMoved(previousId: string): SessionRecord | undefined {
    const id = this.idOfPrevious.get(previousId)
    return id === undefined ? undefined : this.open.get(id)
  }

  private isTaken(id: string): boolean {
    return this.open.has(id) || this.ended.has(id)
  }

  private isDue(ended: SessionRecord, now: number): boolean {
    return isDueForDeletion(ended, this.keepEndedMillis, now)
  }

  private write(current: SessionRecord, next: SessionRecord): void {
    const reindexes = current.userId !== next.userId || current.previous?.id !== next.previous?.id
    if (reindexes) this.unindex(current)
    if (this.maxSessions !== undefined) this.open.delete(next.id)
    this.open.set(next.id, next)
    if (reindexes) this.index(next)
  }

  private drop(record: SessionRecord): void {
    this.open.delete(record.id)
    this.unindex(record)
  }

  private end(record: SessionRecord, now: number): void {
    this.drop(record)
    const ended = endedRecord(record, now)
    if (!this.isDue(ended, now)) this.ended.set(record.id, ended)
  }

  private makeRoom(now: number): void {
    const max = this.maxSessions
    if (max === undefined || this.open.size + this.ended.size < max) return
    if (now - this.lastSweepMillis >= sweepIntervalMillis) {
      this.lastSweepMillis = now
      this.collect(Number.POSITIVE_INFINITY, now)
    }
    while (this.open.size + this.ended.size >= max) this.evict()
  }

  /** Deletes a session that ended, or else the least recently active one. */
  private evict(): void {
    const [endedId] = this.ended.keys()
    const [oldest] = this.open.values()
    if (endedId !== undefined) this.ended.delete(endedId)
    else if (oldest !== undefined) this.drop(oldest)
  }

  private *candidates(filter: SessionFilter): Iterable<SessionRecord> {
    if (filter.userId === undefined) yield* this.open.values()
    else {
      for (const id of this.idsOfUser.get(filter.userId) ?? []) {
        const record = this.open.get(id)
        if (record !== undefined) yield record
      }
    }
    if (filter.state === "all" || filter.state === "over") yield* this.ended.values()
  }

  private index(record: SessionRecord): void {
    if (record.previous !== null) this.idOfPrevious.set(record.previous.id, record.id)
    if (record.userId === null) return
    const ids = this.idsOfUser.get(record.userId) ?? new Set()
    this.idsOfUser.set(record.userId, ids.add(record.id))
  }

  private unindex(record: SessionRecord): void {
    const previousId = record.previous?.id
    if (previousId !== undefined && this.idOfPrevious.get(previousId) === record.id) {
      this.idOfPrevious.delete(previousId)
    }
    if (record.userId === null) return
    const ids = this.idsOfUser.get(record.userId)
    if (ids?.delete(record.id) === true && ids.size === 0) this.idsOfUser.delete(record.userId)
  }
}
