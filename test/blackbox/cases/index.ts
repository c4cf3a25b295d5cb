/** Every case, by the part of the contract it is about. */
import type { Case } from "../harness.js"
import { adminCases } from "./admin.js"
import { concurrencyCases } from "./concurrency.js"
import { cookieCases } from "./cookies.js"
import { csrfCases } from "./csrf.js"
import { edgeCases } from "./edges.js"
import { expiryCases } from "./expiry.js"
import { fixationCases } from "./fixation.js"
import { flashCases } from "./flash.js"
import { interplayCases } from "./interplay.js"
import { loginCases } from "./login.js"
import { mountCases } from "./mounts.js"
import { sealingCases } from "./sealing.js"
import { secrecyCases } from "./secrecy.js"
import { shadowingCases } from "./shadowing.js"
import { upgradeCases } from "./upgrades.js"
import { valueCases } from "./values.js"

export const groups: Readonly<Record<string, ReadonlyArray<Case>>> = {
  cookies: cookieCases,
  fixation: fixationCases,
  flash: flashCases,
  concurrency: concurrencyCases,
  login: loginCases,
  values: valueCases,
  expiry: expiryCases,
  csrf: csrfCases,
  admin: adminCases,
  sealing: sealingCases,
  mounts: mountCases,
  interplay: interplayCases,
  secrecy: secrecyCases,
  shadowing: shadowingCases,
  edges: edgeCases,
  upgrades: upgradeCases
}
