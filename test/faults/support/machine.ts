/** What a fault needs of the machine. Where a need is missing its tests are skipped by name, unless it is required. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it, onTestFinished } from "vitest"
import { isOnPath } from "../../support/process.js"
import { isRequired } from "../../support/required.js"

/** `EFFECT_SESSION_REQUIRE` takes these names. */
export type Need = "strace" | "tmpfs" | "setpriv" | "prlimit" | "pgbouncer"

const runs = (command: string, ...given: ReadonlyArray<string>): boolean =>
  spawnSync(command, given, { stdio: "ignore" }).status === 0

const isRoot = process.getuid?.() === 0

// A container may have the command and not the right to use it, so each is tried.
const tries: Readonly<Record<Need, () => boolean>> = {
  strace: () => runs("strace", "-f", "-qq", "-o", "/dev/null", "true"),
  tmpfs: () => {
    const place = mkdtempSync(join(tmpdir(), "effect-session-mount-"))
    const mounted = isRoot && runs("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place)
    if (mounted) runs("umount", place)
    rmdirSync(place)
    return mounted
  },
  setpriv: () => isRoot && runs("setpriv", ...nobody, "true"),
  prlimit: () => runs("prlimit", "--nofile=64", "true"),
  pgbouncer: () => (!isRoot || has("setpriv")) && runs(pgbouncer, "--version")
}

/** Its command: where Debian puts it there is no search for other users than root. */
export const pgbouncer = isOnPath("pgbouncer") ? "pgbouncer" : "/usr/sbin/pgbouncer"

const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"]

/** The user of `asNobody`. */
export const nobodyId = 65534

/** What to put before a command so that it runs without root's rights. */
export const asNobody = ["setpriv", ...nobody]

/** The same where the tests run as root, and nothing where they do not. */
export const asUnprivileged = isRoot ? asNobody : []

const known = new Map<Need, boolean>()

/** Tells whether this machine has what is needed. */
export const has = (need: Need): boolean => {
  const answer = known.get(need) ?? (isRequired(need) || tries[need]())
  known.set(need, answer)
  return answer
}

type Test = (name: string, body: () => Promise<void>, millis?: number) => void

/** The `it` of tests that need these. */
export const itWith = (...needs: ReadonlyArray<Need>): Test => it.skipIf(!needs.every(has))

/** An empty file system of so many kilobytes, for the time of a test. */
export const aSmallDisk = (kilobytes: number): string => {
  const place = mkdtempSync(join(tmpdir(), "effect-session-disk-"))
  if (!runs("mount", "-t", "tmpfs", "-o", `size=${kilobytes}k,mode=0755`, "tmpfs", place)) {
    throw new Error("A small file system could not be mounted.")
  }
  onTestFinished(() => {
    // Lazily: the server under test may still have files open there.
    runs("umount", "-l", place)
    rmdirSync(place)
  })
  return place
}
