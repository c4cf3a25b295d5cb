/**
 * The clock that all processes of one host share: the system's monotonic clock, which nobody can set. It counts from the
 * start of the system, so that two of its instants compare within one start only.
 */
import { readFileSync, readlinkSync } from "node:fs"
import type { LocalInstant } from "../store/contract.js"
import type { SharedClock, SharedInstant } from "../store/revocations.js"

/**
 * Names what the clock counts from; `undefined` where the system does not tell (other than Linux), so that the wall clock
 * has to do. Asked each time: a process that was frozen may go on after another start of the system.
 */
const origin = (): string | undefined => {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()
    return boot === "" ? undefined : `${boot} ${timeSpace()}`
  } catch {
    return undefined
  }
}

// A container may have a monotonic clock of its own; older kernels know no such thing.
const timeSpace = (): string => {
  try {
    return readlinkSync("/proc/self/ns/time")
  } catch {
    return ""
  }
}

const millisNow = (): number => Number(process.hrtime.bigint()) / 1e6

/** What a `LocalInstant` is on the shared clock, or a little less: read first, the difference can only be too small. */
const millisOf = ({ monotonicMillis }: LocalInstant): number => {
  const millis = millisNow()
  return millis - performance.now() + monotonicMillis
}

const at = (millis: number): SharedInstant | undefined => {
  const from = origin()
  return from === undefined ? undefined : { from, millis }
}

/** The clock of this host. */
export const hostClock: SharedClock = {
  now: () => at(millisNow()),
  instantOf: (instant) => at(millisOf(instant))
}
