/** The revocation marks of one memory store, by namespace and user, each kept for a day. */
import type { Mark } from "../revocations.js"
import { addMark, makeMark } from "../revocations.js"

const lifetimeMillis = 24 * 60 * 60 * 1000

/** The marks of one memory store. */
export class MemoryMarks {
  /** In the order of each user's newest mark, the oldest first. */
  private readonly marksOfUser = new Map<string, ReadonlyArray<Mark>>()

  add(namespace: string, userId: string, except: string | undefined): void {
    this.forgetOld()
    const key = keyOf(namespace, userId)
    const marks = addMark(this.marksOfUser.get(key) ?? [], makeMark(except))
    // Deleted first, so that the key goes to the end of the map.
    this.marksOfUser.delete(key)
    this.marksOfUser.set(key, marks)
  }

  of(namespace: string, userId: string): ReadonlyArray<Mark> {
    return this.marksOfUser.get(keyOf(namespace, userId)) ?? []
  }

  private forgetOld(): void {
    const oldestMillis = performance.now() - lifetimeMillis
    for (const [key, [newest]] of this.marksOfUser) {
      if (newest !== undefined && newest.monotonicMillis >= oldestMillis) return
      this.marksOfUser.delete(key)
    }
  }
}

const keyOf = (namespace: string, userId: string): string => JSON.stringify([namespace, userId])
