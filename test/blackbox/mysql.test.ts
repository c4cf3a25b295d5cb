import { mysql } from "../sql/servers.js"
import { runOn } from "./database.js"

runOn(mysql)
