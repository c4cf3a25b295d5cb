/** Gives importers from before the split into `check` and `compile` the old names; goes with the last of them. */
export { type CompiledSettings as Compiled, compile } from "./compile.js"
