/**
 * The data structure behind the memory store: plain synchronous methods over maps, with the time as an argument.
 *
 * Records are immutable, so they are handed out as they are. Ended sessions lie apart from the others: what is looked up
 * on every request is in `open`, which may hold expired sessions but no ended ones.
 */

import type { SessionEntry, SessionFilter, SessionRecord } from "../../../core/record/record.js"
import { entryOf, isOver, matches } from "../../../core/record/record.js"

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
    const record = this.open.get(id)
    if (record !== undefined) return record.expiresAtMillis > now ? record : undefined
    const moved = this.findMoved(id)
    if (moved === undefined || moved.expiresAtMillis <= now) return undefined
    return moved.previous !== null && moved.previous.untilMillis > now ? moved : undefined
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
    this.write(current, {
      ...current,
      lastActivityMillis: Math.max(current.lastActivityMillis, lastActivity),
      expiresAtMillis: Math.max(current.expiresAtMillis, expiresAt)
    })
    return true
  }

  /** Ends the session of this id or previous id; the summary is of a live one, as it was before. */
  remove(id: string, now: number): SessionEntry | undefined {
    const record = this.open.get(id) ?? this.findMoved(id)
    if (record === undefined) {
      const ended = this.ended.get(id)
      if (ended !== undefined && this.isDue(ended, now)) this.ended.delete(id)
      return undefined
    }
    this.end(record, now)
    return record.expiresAtMillis > now ? entryOf(record) : undefined
  }

  /** The records a filter lets through now; later changes do not show in the list. */
  select(filter: SessionFilter, now: number): ReadonlyArray<SessionEntry> {
    const summaries: Array<SessionEntry> = []
    for (const record of this.candidates(filter)) {
      const summary = entryOf(record)
      if (matches(filter, summary, now)) summaries.push(summary)
    }
    return summaries
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
      } else this.eraseSealedToken(record, now)
    }
    return collected
  }

  private liveAt(id: string, version: number, now: number): SessionRecord | undefined {
    const current = this.open.get(id)
    return current !== undefined && current.version === version && current.expiresAtMillis > now
      ? current
      : undefined
  }

  private findMoved(previousId: string): SessionRecord | undefined {
    const id = this.idOfPrevious.get(previousId)
    return id === undefined ? undefined : this.open.get(id)
  }

  private isTaken(id: string): boolean {
    return this.open.has(id) || this.ended.has(id)
  }

  private isDue(ended: SessionRecord, now: number): boolean {
    return ended.endedAtMillis === null || ended.endedAtMillis + this.keepEndedMillis <= now
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
    const endedAtMillis = Math.min(now, record.expiresAtMillis)
    const ended = { ...record, payload: "", previous: null, endedAtMillis }
    if (!this.isDue(ended, now)) this.ended.set(record.id, ended)
  }

  private eraseSealedToken(record: SessionRecord, now: number): void {
    const previous = record.previous
    if (previous === null || previous.sealedToken === null || previous.untilMillis > now) return
    // Set in place, not through `write`: this is no activity, and the map is being walked.
    this.open.set(record.id, { ...record, previous: { ...previous, sealedToken: null } })
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

  /** Gives up the session that is missed least: one that ended, else the least recently active one. */
  private evict(): void {
    for (const id of this.ended.keys()) {
      this.ended.delete(id)
      return
    }
    for (const record of this.open.values()) {
      this.drop(record)
      return
    }
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
    const ids = this.idsOfUser.get(record.userId)
    if (ids === undefined) this.idsOfUser.set(record.userId, new Set([record.id]))
    else ids.add(record.id)
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
