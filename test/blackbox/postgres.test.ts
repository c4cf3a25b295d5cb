import { runOn } from "./run.js"

runOn("postgres")
