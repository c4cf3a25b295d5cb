/**
 * What a store remembers of the files that it has collected from. A file that has not changed since it was read, and that
 * has nothing to collect yet, is not read again.
 */
import * as Effect from "effect/Effect"
import { lstatExactlyNow, trySync } from "./disk.js"
import type { Failure } from "./failure.js"

/** One version of a file, and when there may be something to collect in it. */
interface FileStamp {
  readonly inode: bigint
  readonly changedNanos: bigint
  readonly dueMillis: number
}

/** What reading a file gave: what is to be collected, or when there may be something. */
export interface Examined<A> {
  readonly found?: A
  readonly dueMillis?: number
}

/** The stamps of one shard, by path: those of the last collection, and those of the one that is running. */
export class FileStamps {
  private last = new Map<string, FileStamp>()
  private current = new Map<string, FileStamp>()

  /** Runs `examine` unless its last result still holds, and gives what it found. */
  unlessUnchanged<A>(
    path: string,
    nowMillis: number,
    examine: Effect.Effect<Examined<A>, Failure>
  ): Effect.Effect<A | undefined, Failure> {
    return Effect.gen(this, function* () {
      const file = yield* trySync(() => lstatExactlyNow(path))
      if (file === undefined) return undefined
      const stamp = this.last.get(path)
      const isSame = stamp?.inode === file.ino && stamp.changedNanos === file.ctimeNs
      if (isSame && stamp.dueMillis > nowMillis) {
        this.current.set(path, stamp)
        return undefined
      }
      const { found, dueMillis } = yield* examine
      if (dueMillis !== undefined) {
        this.current.set(path, { inode: file.ino, changedNanos: file.ctimeNs, dueMillis })
      }
      return found
    })
  }

  /** Ends the collection of the shard. Files that it did not meet are forgotten. */
  next(): void {
    this.last = this.current
    this.current = new Map()
  }
}
