import { runOn } from "./run.js"

runOn("sqlite")
