/** SHA-256 in hex, by the quickest way there is. */
import * as crypto from "node:crypto"

// `crypto.hash` costs a third of `createHash`, but not every runtime has it.
export const sha256Hex: (data: Uint8Array) => string =
  typeof crypto.hash === "function"
    ? (data) => crypto.hash("sha256", data, "hex")
    : (data) => crypto.createHash("sha256").update(data).digest("hex")
