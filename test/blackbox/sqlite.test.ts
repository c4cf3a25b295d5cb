import { sqlite } from "../sql/servers.js"
import { runOn } from "./database.js"

runOn(sqlite)
