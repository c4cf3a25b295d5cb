/**
 * Who has a lock. Each store keeps one small file that says which process it runs in; taking a lock is making a hard
 * link of that file, so that a lock is complete from its first instant.
 */
import { randomBytes } from "node:crypto"
import { lstatSync, readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

/** A store within a process, as its locks name it. */
export interface Holder {
  readonly pid: number
  /** When the process started, in the kernel's own unit: a number that is used again has another one. */
  readonly start: string | null
  /** The boot of the machine and the space of process numbers: elsewhere the number means nothing. */
  readonly space: string
  /** Tells this store from every other. */
  readonly nonce: string
}

const attempt = (read: () => string): string | null => {
  try {
    return read().trim()
  } catch {
    return null
  }
}

// The second field, the command, may itself contain spaces and parentheses.
const startOf = (pid: number): string | null =>
  attempt(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""
  })

const spaceOfThisProcess = (): string => {
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1"))
  const numbers = attempt(() => readlinkSync("/proc/self/ns/pid"))
  return `${boot ?? hostname()} ${numbers ?? ""}`
}

/** Makes the identity of a new store in this process. */
export const makeHolder = (): Holder => ({
  pid: process.pid,
  start: startOf(process.pid),
  space: spaceOfThisProcess(),
  nonce: randomBytes(16).toString("hex")
})

/** The holder that the file at `path` names; `undefined` when it names none. Opens nothing but a small regular file. */
export const readHolder = (path: string): Holder | undefined => {
  const text = attempt(() => {
    const found = lstatSync(path)
    return found.isFile() && found.size < 4096 ? readFileSync(path, "utf8") : ""
  })
  return text === null ? undefined : parseHolder(text)
}

const parseHolder = (text: string): Holder | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== "object" || value === null) return undefined
    const { pid, start, space, nonce } = value as Record<string, unknown> // read field by field below
    if (typeof pid !== "number" || typeof space !== "string") return undefined
    if (typeof nonce !== "string" || !/^[0-9a-f]{32}$/.test(nonce)) return undefined
    return { pid, start: typeof start === "string" ? start : null, space, nonce }
  } catch {
    return undefined
  }
}

const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // A process of another user may not be signalled, but is there.
    return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "EPERM"
  }
}

/** True when the holder's process has certainly ended, seen from `own`. A stopped process has not. */
export const isDead = (holder: Holder, own: Holder): boolean => {
  if (holder.space !== own.space || !Number.isSafeInteger(holder.pid) || holder.pid <= 0)
    return false
  if (!exists(holder.pid)) return true
  const start = startOf(holder.pid)
  return start !== null && holder.start !== null && start !== holder.start
}
