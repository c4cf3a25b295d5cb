/** The imports of a file of the result: what was printed says what is needed. */
import type { Module } from "./origin.js"

/** How the file imports Effect: `import * as Effect from "effect/Effect"`, or `import { Effect } from "effect"`. */
export type Style = "namespace" | "barrel"

interface Import {
  readonly from: Module
  /** The name there, or nothing for the whole module. */
  readonly name: string | undefined
  readonly local: string
  isValue: boolean
}

export class Imports {
  readonly #needed = new Map<string, Import>()

  constructor(readonly style: Style) {}

  /** A module as a namespace. */
  module(module: Module, local: string, isValue: boolean): string {
    if (this.style === "namespace") return this.#need(module, undefined, local, isValue)
    const at = module.lastIndexOf("/")
    return this.#need(module.slice(0, at), module.slice(at + 1), local, isValue)
  }

  /** A file of the result as a namespace. */
  own(path: string, local: string, isValue: boolean): string {
    return this.#need(path, undefined, local, isValue)
  }

  /** One export of a module. */
  named(module: Module, name: string, local: string, isValue: boolean): string {
    return this.#need(module, name, local, isValue)
  }

  #need(from: Module, name: string | undefined, local: string, isValue: boolean): string {
    const known = this.#needed.get(local)
    if (known === undefined) this.#needed.set(local, { from, name, local, isValue })
    else if (known.from !== from || known.name !== name) {
      throw new Error(`${local} would be imported from ${known.from} and from ${from}.`)
    } else known.isValue ||= isValue
    return local
  }

  has(local: string): boolean {
    return this.#needed.has(local)
  }

  toString(): string {
    const needed = [...this.#needed.values()]
    const whole = needed.filter(({ name }) => name === undefined)
    const named = new Map<Module, ReadonlyArray<Import>>()
    for (const one of needed.filter(({ name }) => name !== undefined)) {
      named.set(one.from, [...(named.get(one.from) ?? []), one])
    }
    return [
      ...whole.map(
        ({ from, isValue, local }) => `import ${isValue ? "" : "type "}* as ${local} from "${from}"`
      ),
      ...[...named].map(([from, all]) => {
        const isType = all.every(({ isValue }) => !isValue)
        const list = all.map((one) => specifier(one, isType)).join(", ")
        return `import ${isType ? "type " : ""}{ ${list} } from "${from}"`
      })
    ].join("\n")
  }
}

const specifier = ({ isValue, local, name }: Import, isTypeOnly: boolean): string => {
  const text = name === local ? local : `${name} as ${local}`
  return isValue || isTypeOnly ? text : `type ${text}`
}
