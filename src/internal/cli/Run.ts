/** What is known of one run of the command line. A command writes to it as it goes. */
import * as Context from "effect/Context"

/** The variables of a process. */
export type Variables = Record<string, string | undefined>

/** The file that variables were read from, and those that the process did not have. */
export interface EnvFile {
  readonly path: string
  readonly names: ReadonlyArray<string>
}

/** One run. */
interface State {
  readonly variables: Variables
  envFile: EnvFile | undefined
  /** What is said when a signal stops the command. */
  stopped: string
}

/** A run that has just begun. */
export const begin = (variables: Variables): State => ({
  variables,
  envFile: undefined,
  stopped: "Stopped. Nothing was changed."
})

/** The run that a command belongs to. */
export class Run extends Context.Reference<Run>()("effect-session/cli/Run", {
  defaultValue: () => begin({})
}) {}
