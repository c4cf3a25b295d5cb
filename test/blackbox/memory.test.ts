import { runOn } from "./run.js"

runOn("memory")
