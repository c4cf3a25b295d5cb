/**
 * Who holds a lock. Each store has one small file that says which process it is in. To take a lock is to make a hard link
 * of that file, so a lock is complete from its first instant.
 */
import { randomBytes } from "node:crypto"
import { lstatSync, readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { codeOf } from "./failure.js"

/** A store in a process, as its locks name it. */
export interface Holder {
  readonly pid: number
  /** When the process started, in the kernel's unit. It tells two processes with the same number apart. */
  readonly start: string | null
  /** The boot of the machine and the namespace of process numbers, within which `pid` means something. */
  readonly space: string
  /** Tells this store from all others. */
  readonly nonce: string
}

/** Makes a name that no other store and no other file has. */
export const makeNonce = (): string => randomBytes(16).toString("hex")

const readOrNull = (read: () => string): string | null => {
  try {
    return read().trim()
  } catch {
    return null
  }
}

// The second field, the command, may itself contain spaces and parentheses.
const startOf = (pid: number): string | null =>
  readOrNull(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""
  })

const spaceOfThisProcess = (): string => {
  const boot = readOrNull(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1"))
  const numbers = readOrNull(() => readlinkSync("/proc/self/ns/pid"))
  return `${boot ?? hostname()} ${numbers ?? ""}`
}

/** Makes the identity of a new store in this process. */
export const makeHolder = (): Holder => ({
  pid: process.pid,
  start: startOf(process.pid),
  space: spaceOfThisProcess(),
  nonce: makeNonce()
})

/** Reads the holder that the file at `path` names; `undefined` when it names none. Opens only a small regular file. */
export const readHolder = (path: string): Holder | undefined => {
  const text = readOrNull(() => {
    const found = lstatSync(path)
    return found.isFile() && found.size < 4096 ? readFileSync(path, "utf8") : ""
  })
  return Option.getOrUndefined(decodeHolder(text))
}

const decodeHolder = Schema.decodeUnknownOption(
  Schema.parseJson(
    Schema.Struct({
      pid: Schema.Number,
      start: Schema.NullOr(Schema.String),
      space: Schema.String,
      nonce: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{32}$/))
    })
  )
)

const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // A process of another user may not be signalled, but is there.
    return codeOf(cause) === "EPERM"
  }
}

/** True when the holder's process has certainly ended, as `own` can tell. A stopped process has not. */
export const isDead = (holder: Holder, own: Holder): boolean => {
  if (holder.space !== own.space || !Number.isSafeInteger(holder.pid) || holder.pid <= 0)
    return false
  if (!exists(holder.pid)) return true
  const start = startOf(holder.pid)
  return start !== null && holder.start !== null && start !== holder.start
}
