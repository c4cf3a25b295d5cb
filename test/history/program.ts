/** What the clients of one seed do: a pure function of the seed, so that a failing one can be run again. */

export type Kind =
  | "change"
  | "flash"
  | "read"
  | "migrate"
  | "regenerate"
  | "login"
  | "destroy"
  | "logout"
  | "thief"

/** One request of a client. */
export interface Act {
  readonly kind: Kind
  /** Unique in the program: what a change pushes and puts, what a flash is called. */
  readonly label: string
  /** Which of the two servers. */
  readonly node: 0 | 1
  /** Waits of the handler: before what it does, and in the middle of it. */
  readonly sleeps: readonly [number, number]
  readonly puts: boolean
  readonly pauseMillis: number
  /** When the client goes away, counted from the request. */
  readonly abortAfterMillis: number | undefined
  /** Which of the older cookies a thief uses: a part of one. */
  readonly pick: number
}

export interface Fault {
  readonly kind: "kill" | "disconnect" | "restart"
  readonly node: 0 | 1
  readonly atMillis: number
}

export interface Program {
  readonly seed: number
  /** By browser, by tab: tabs of one browser share its cookie. */
  readonly browsers: ReadonlyArray<ReadonlyArray<ReadonlyArray<Act>>>
  readonly fault: Fault | undefined
}

const browsers = 2
const tabs = 4
const acts = 25

/** Of a hundred requests, how many are of which kind. */
const weights: ReadonlyArray<readonly [Kind, number]> = [
  ["change", 46],
  ["flash", 12],
  ["read", 12],
  ["thief", 9],
  ["migrate", 6],
  ["login", 6],
  ["regenerate", 4],
  ["destroy", 3],
  ["logout", 2]
]

export interface Setting {
  readonly faults: ReadonlyArray<Fault["kind"]>
  /** Which part of the requests is aborted. */
  readonly aborts: number
}

export const makeProgram = (seed: number, { aborts, faults }: Setting): Program => {
  const random = randomOf(seed)
  const whole = (limit: number) => Math.floor(random() * limit)
  const node = () => (random() < 0.5 ? 0 : 1)
  const act = (label: string): Act => ({
    kind: kindOf(whole(100)),
    label,
    node: node(),
    sleeps: [whole(5), whole(15)],
    puts: random() < 0.5,
    pauseMillis: whole(10),
    abortAfterMillis: random() < aborts ? whole(30) : undefined,
    pick: random()
  })
  return {
    seed,
    browsers: listOf(browsers, (browser) =>
      listOf(tabs, (tab) => listOf(acts, (index) => act(`${browser}-${tab}-${index}`)))
    ),
    fault: faultOf(faults[whole(faults.length)], node(), 50 + whole(500))
  }
}

const faultOf = (kind: Fault["kind"] | undefined, node: 0 | 1, atMillis: number) =>
  kind === undefined ? undefined : { kind, node, atMillis }

const kindOf = (percent: number): Kind => {
  let below = 0
  for (const [kind, weight] of weights) {
    below += weight
    if (percent < below) return kind
  }
  return "read"
}

const listOf = <A>(length: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length }, (_, index) => make(index))

/** The mulberry32 generator: numbers from 0 to below 1 that depend on the seed alone. */
const randomOf = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
