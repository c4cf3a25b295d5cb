import { filesPlace } from "./places.js"
import { suites } from "./suites/index.js"

suites("files", filesPlace)
