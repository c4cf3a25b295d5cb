import { runOn } from "./run.js"

runOn("mariadb")
