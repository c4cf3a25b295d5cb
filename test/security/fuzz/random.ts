/**
 * Random inputs that can be had again: everything follows from one seed, which each run prints.
 *
 * `EFFECT_SESSION_FUZZ_SEED=<seed>` runs the same inputs once more.
 */

/** A source of numbers that depends on its seed alone. */
export interface Random {
  /** A whole number from 0 and below `end`. */
  readonly below: (end: number) => number
  readonly pick: <A>(items: ReadonlyArray<A>) => A
  /** So many items, each made anew. */
  readonly many: <A>(most: number, make: () => A) => Array<A>
}

const given = process.env.EFFECT_SESSION_FUZZ_SEED

/** The seed of this run. */
export const seed: number =
  given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)

/** Seeds that are run again each time; one that finds something goes here with the fix. */
export const keptSeeds: ReadonlyArray<number> = [1, 20_261_124, 215_558_144]

/** The source of one purpose under a seed. */
export const randomOf = (from: number, purpose: string): Random => {
  let state = [...purpose].reduce(
    (sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 0x01000193),
    from | 0
  )
  // Mulberry32.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (end: number): number => next() % end
  return {
    below,
    pick: (items) => {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error("There is nothing to pick from.")
      return item
    },
    many: (most, make) => Array.from({ length: below(most + 1) }, make)
  }
}

/** Text made of pieces, which is how inputs come near to what a grammar takes. */
export const textOf = (random: Random, pieces: ReadonlyArray<string>, most: number): string =>
  random.many(most, () => random.pick(pieces)).join("")

const characters = ["\0", "\n", "\r", "\t", " ", "\xa0", "\u2003", "é", "\ud800", "😀", "=", ";"]

/** A text with a few places changed: characters dropped, doubled, replaced or added. */
export const mutated = (random: Random, text: string, pieces: ReadonlyArray<string>): string => {
  let result = text
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(result.length + 1)
    const piece = random.pick(random.below(3) === 0 ? characters : pieces)
    const rest = result.slice(at + random.below(3))
    result = random.below(4) === 0 ? result.slice(0, at) + rest : result.slice(0, at) + piece + rest
  }
  return result
}

/** Runs `check` on so many inputs under this run's seed, and on a tenth of them under each that is kept. */
export const fuzz = (purpose: string, count: number, check: (random: Random) => void): void => {
  const kept = keptSeeds.map((from) => ({ from, times: count / 10 }))
  for (const { from, times } of [{ from: seed, times: count }, ...kept]) {
    const random = randomOf(from, purpose)
    for (let index = 0; index < times; index++) {
      try {
        check(random)
      } catch (cause) {
        const replay = `EFFECT_SESSION_FUZZ_SEED=${from}`
        throw new Error(`Input ${index} of "${purpose}" failed; replay with ${replay}.`, { cause })
      }
    }
  }
}
