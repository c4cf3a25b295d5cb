import { memoryPlace } from "./places.js"
import { suites } from "./suites/index.js"

suites("memory", memoryPlace)
