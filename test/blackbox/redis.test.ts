import { runOn } from "./run.js"

runOn("redis")
