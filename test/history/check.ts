/**
 * Judges a recorded history: every function gives the sentences of what must not have happened.
 *
 * A request is *sure* when it was answered on the session and no change of id or end of the session overlapped it, which
 * would have let its changes be dropped; it is *possible* when it was answered on the session or nobody knows.
 */
import type { Entry } from "./record.js"
import type { Row } from "./server.js"

/** The requests of one session's life, sorted by their beginning. */
interface Life {
  readonly lineage: string
  readonly entries: ReadonlyArray<Entry>
  /** What is stored of it in the end. */
  readonly rows: ReadonlyArray<Row>
}

export const check = (
  history: ReadonlyArray<Entry>,
  rows: ReadonlyArray<Row>
): ReadonlyArray<string> => {
  const lives = Array.from(
    new Set(history.map(({ lineage }) => lineage)),
    (lineage): Life => ({
      lineage,
      entries: history
        .filter((entry) => entry.lineage === lineage)
        .sort((a, b) => a.startMillis - b.startMillis),
      rows: rows.filter(({ data }) => data.lineage === lineage)
    })
  )
  return lives.flatMap((life) =>
    [checkSights, checkEnds, checkRows, checkFlash].flatMap((judge) =>
      judge(life).map((sentence) => `${life.lineage}: ${sentence}`)
    )
  )
}

// ---------------------------------------------------------------------------------------------------------------------
// what an entry may have done
// ---------------------------------------------------------------------------------------------------------------------

const retiring = new Set<Entry["kind"]>(["login", "regenerate", "destroy", "logout"])
const ending = new Set<Entry["kind"]>(["destroy", "logout"])

const saw = (entry: Entry): boolean => entry.sight?.before.lineage === entry.lineage

const isPossible = (entry: Entry): boolean =>
  entry.kind !== "thief" && (entry.outcome === "unknown" || saw(entry))

const overlap = (a: Entry, b: Entry): boolean =>
  a !== b && a.startMillis < b.endMillis && b.startMillis < a.endMillis

const isBefore = (a: Entry, b: Entry): boolean => a.endMillis < b.startMillis

/** Changes of id and ends that may have happened while `entry` ran. */
const movesDuring = (life: Life, entry: Entry) =>
  life.entries.filter((other) => isMove(other) && isPossible(other) && overlap(other, entry))

const isMove = ({ kind }: Entry): boolean => kind === "migrate" || retiring.has(kind)

/** An alias reaches one step, so two migrations within a request may leave it behind as well. */
const isSure = (life: Life, entry: Entry): boolean => {
  if (entry.outcome !== "answered" || !saw(entry)) return false
  const moves = movesDuring(life, entry)
  return moves.length < 2 && !moves.some(({ kind }) => retiring.has(kind))
}

const changesOf = (life: Life) =>
  life.entries.filter((entry) => entry.kind === "change" && isPossible(entry))

// ---------------------------------------------------------------------------------------------------------------------
// data: every acknowledged change once, every other at most once
// ---------------------------------------------------------------------------------------------------------------------

interface Data {
  readonly count: number
  readonly list: ReadonlyArray<string>
  readonly register: string | undefined
}

const dataOf = (data: Readonly<Record<string, unknown>>): Data => ({
  count: Number(data.count ?? 0),
  // Only `change` writes these.
  list: (data.list ?? []) as ReadonlyArray<string>,
  register: data.register as string | undefined
})

/** Judges data that was read between two instants. */
const checkData = (
  life: Life,
  { count, list, register }: Data,
  readAt: { readonly startMillis: number; readonly endMillis: number }
): ReadonlyArray<string> => {
  const changes = changesOf(life).filter(({ startMillis }) => startMillis < readAt.endMillis)
  const sure = changes.filter(
    (entry) => entry.endMillis < readAt.startMillis && isSure(life, entry)
  )
  const labels = new Set(changes.map(({ label }) => label))
  const puts = changes.filter(({ puts }) => puts)
  const surePuts = sure.filter(({ puts }) => puts)
  const isOld = (label: string | undefined) => {
    const written = puts.find((entry) => entry.label === label)
    return surePuts.some((entry) => written === undefined || isBefore(written, entry))
  }
  return [
    ...when(count < sure.length, `the counter is ${count} after ${sure.length} acknowledged`),
    ...when(count > changes.length, `the counter is ${count} of ${changes.length} at most`),
    ...when(count !== list.length, `the counter is ${count}, the list has ${list.length}`),
    ...when(new Set(list).size < list.length, `the list holds an element twice: ${list.join()}`),
    ...list.filter((label) => !labels.has(label)).map((label) => `${label} was never pushed`),
    ...sure
      .filter(({ label }) => !list.includes(label))
      .map(({ label }) => `the acknowledged push ${label} is lost`),
    ...when(
      register !== undefined && !puts.some(({ label }) => label === register),
      `the register is ${register}, which was never put`
    ),
    ...when(isOld(register), `the register is ${register}, which was overwritten before`)
  ]
}

const when = (is: boolean, sentence: string): ReadonlyArray<string> => (is ? [sentence] : [])

// ---------------------------------------------------------------------------------------------------------------------
// what requests saw
// ---------------------------------------------------------------------------------------------------------------------

const checkSights = (life: Life): ReadonlyArray<string> =>
  life.entries.flatMap((entry) => {
    const { sight } = entry
    if (sight === undefined || entry.kind === "begin") return []
    const { lineage } = sight.before
    if (lineage !== undefined && lineage !== life.lineage) {
      return [`${told(entry)} was shown the session ${lineage}`]
    }
    if (entry.kind === "thief") return checkThief(life, entry)
    if (lineage === undefined) {
      return mayBeBlank(life, entry) ? [] : [`${told(entry)} did not see its session`]
    }
    return checkData(life, dataOf(sight.before), entry).map(
      (sentence) => `${told(entry)} saw that ${sentence}`
    )
  })

/** A cookie that was known before an acknowledged login or end is dead afterwards, and gets no other. */
const checkThief = (life: Life, thief: Entry): ReadonlyArray<string> => {
  const issued = life.entries.find(({ cookieSet }) => cookieSet === thief.cookieSent)
  const killers = life.entries.filter(
    (entry) =>
      retiring.has(entry.kind) &&
      entry.outcome === "answered" &&
      saw(entry) &&
      isBefore(entry, thief) &&
      issued !== undefined &&
      isOfThisLife(life, issued) &&
      isBefore(issued, entry) &&
      isTheOnlyMove(life, entry)
  )
  if (killers.length === 0 || thief.sight === undefined) return []
  const { before, userId } = thief.sight
  return [
    ...when(before.lineage !== undefined, `${told(thief)} saw the data with a retired cookie`),
    ...when(userId !== null, `${told(thief)} was logged in with a retired cookie`),
    ...when(thief.cookieSet !== undefined, `${told(thief)} was given a cookie for a retired one`)
  ]
}

/** Of two logins at once the second begins a session of its own. */
const isOfThisLife = (life: Life, issued: Entry): boolean =>
  issued.kind !== "login" || isTheOnlyMove(life, issued)

const isTheOnlyMove = (life: Life, entry: Entry): boolean => movesDuring(life, entry).length === 0

/**
 * A request may miss its session while its id changes or after an end, and when the answer that brought an older cookie
 * arrived after the answer that brought the newer one.
 */
const mayBeBlank = (life: Life, entry: Entry): boolean =>
  life.entries.some((move) => {
    if (!isMove(move) || !isPossible(move) || move.startMillis > entry.endMillis) return false
    if (ending.has(move.kind) || move.endMillis > entry.startMillis) return true
    return life.entries.some(
      (other) =>
        other !== move &&
        other.cookieSet !== undefined &&
        other.startMillis < move.endMillis &&
        other.endMillis > move.endMillis
    )
  })

// ---------------------------------------------------------------------------------------------------------------------
// ends, and what is stored
// ---------------------------------------------------------------------------------------------------------------------

const surelyEnds = (life: Life, entry: Entry): boolean =>
  ending.has(entry.kind) &&
  entry.outcome === "answered" &&
  saw(entry) &&
  movesDuring(life, entry).filter(({ kind }) => !ending.has(kind)).length < 2

const checkEnds = (life: Life): ReadonlyArray<string> =>
  life.entries
    .filter((entry) => surelyEnds(life, entry))
    .flatMap((end) =>
      life.entries
        .filter((entry) => isBefore(end, entry) && saw(entry))
        .map((entry) => `${told(entry)} saw the session after ${told(end)}`)
    )

const checkRows = (life: Life): ReadonlyArray<string> => {
  const { entries, rows } = life
  const hasEnded = entries.some((entry) => surelyEnds(life, entry))
  // A login that nobody could judge, because the store failed in its midst, ends the session it has made.
  const mayHaveEnded = entries.some(
    (entry) =>
      isPossible(entry) &&
      (ending.has(entry.kind) || (entry.kind === "login" && entry.outcome === "unknown"))
  )
  const hasBegun = entries.some(({ kind, outcome }) => kind === "begin" && outcome === "answered")
  const now = { startMillis: Number.MAX_VALUE, endMillis: Number.POSITIVE_INFINITY }
  return [
    ...when(rows.length > 1, `it is stored under ${rows.length} ids`),
    ...when(hasEnded && rows.length > 0, "it is stored after its end"),
    ...when(hasBegun && !mayHaveEnded && rows.length === 0, "it is not stored any more"),
    ...rows.flatMap(({ data }) =>
      checkData(life, dataOf(data), now).map((sentence) => `in the end ${sentence}`)
    )
  ]
}

// ---------------------------------------------------------------------------------------------------------------------
// flash: seen until the first commit of a request that saw it, never afterwards
// ---------------------------------------------------------------------------------------------------------------------

const checkFlash = (life: Life): ReadonlyArray<string> =>
  life.entries.filter(({ kind }) => kind === "flash").flatMap((flash) => checkOneFlash(life, flash))

const checkOneFlash = (life: Life, flash: Entry): ReadonlyArray<string> => {
  const sees = (entry: Entry) =>
    entry.sight !== undefined && Object.hasOwn(entry.sight.before, `flash ${flash.label}`)
  const seers = life.entries.filter(sees)
  const after = life.entries.filter(
    (entry) => entry.kind !== "thief" && saw(entry) && isBefore(flash, entry)
  )
  const mayHaveAged = (entry: Entry) => entry.outcome === "unknown" || sees(entry)
  const missing = isSure(life, flash)
    ? after.filter(
        (entry) =>
          !sees(entry) &&
          !life.entries.some(
            (other) => other !== entry && mayHaveAged(other) && other.startMillis < entry.endMillis
          )
      )
    : []
  const revived = seers.filter((entry) =>
    seers.some((earlier) => isSure(life, earlier) && isBefore(earlier, entry))
  )
  return [
    ...missing.map((entry) => `${told(entry)} did not see the flash ${flash.label}, nobody had`),
    ...revived.map((entry) => `${told(entry)} saw the flash ${flash.label} again`)
  ]
}

// ---------------------------------------------------------------------------------------------------------------------
// telling
// ---------------------------------------------------------------------------------------------------------------------

const told = ({ kind, label }: Entry): string => `${kind} ${label}`

/** The history of one session as lines; cookies are left out. */
export const tell = (history: ReadonlyArray<Entry>, lineage: string): string =>
  history
    .filter((entry) => entry.lineage === lineage)
    .sort((a, b) => a.startMillis - b.startMillis)
    .map((entry) => {
      const end = entry.outcome === "answered" ? entry.endMillis.toFixed(0) : entry.reason
      const seen =
        entry.sight === undefined ? "" : saw(entry) ? JSON.stringify(entry.sight.before) : "nothing"
      const cookie = entry.cookieSet === undefined ? "" : " cookie"
      return `${entry.startMillis.toFixed(0)}-${end} ${told(entry)}${cookie} ${seen}`
    })
    .join("\n")
