/** Every case, by the part of the contract it is about. */
import type { Case } from "../harness.js"
import { concurrencyCases } from "./concurrency.js"
import { cookieCases } from "./cookies.js"
import { fixationCases } from "./fixation.js"
import { flashCases } from "./flash.js"

export const groups: Readonly<Record<string, ReadonlyArray<Case>>> = {
  cookies: cookieCases,
  fixation: fixationCases,
  flash: flashCases,
  concurrency: concurrencyCases
}
