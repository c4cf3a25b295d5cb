/** The history check of one store, as a test. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { lacks } from "../support/backing.js"
import type { StoreName } from "../support/serverStores.js"
import { type Cluster, startCluster } from "./cluster.js"
import { firstSeed, reportOf, runSeed, seedCount } from "./run.js"

const usual = 3

/** A seed takes two seconds, and far longer where a hundred of them run beside other work. */
const patienceMillis = 180_000

export const historyOf = (store: StoreName): void => {
  describe.skipIf(lacks(store))(`a history of two servers with ${store}, with faults`, () => {
    let cluster: Cluster

    beforeAll(async () => {
      cluster = await startCluster(store)
    }, patienceMillis)

    afterAll(() => cluster?.close())

    for (let seed = firstSeed; seed < firstSeed + seedCount(usual); seed++) {
      it(
        `loses, doubles, revives and shows nothing it must not (seed ${seed})`,
        async () => {
          const verdict = await runSeed(seed, cluster)

          expect(verdict.violations, reportOf(verdict)).toEqual([])
        },
        patienceMillis
      )
    }
  })
}
