import { argumentsOf, type CallRule, given, type Rules } from "./rule.js"

/** An argument takes its name as it is. */
const text: CallRule = (call, p) => {
  const name = given(call.arguments[0], "name")
  return name === undefined
    ? p.refuse(call, "Args.text is only known with a name.")
    : `${p.use("effect/cli/Argument")}.String(${p.print(name)})`
}

/** Without a default Effect 4 refuses a command line that lacks the flag. */
const boolean: CallRule = (call, p) => {
  const flag = p.use("effect/cli/Flag")
  return `${flag}.Boolean(${argumentsOf(call, [1], p)}).pipe(${flag}.withDefault(false))`
}

export const calls: Rules<CallRule> = {
  "@effect/cli/Args.text": text,
  "@effect/cli/Options.boolean": boolean
}
