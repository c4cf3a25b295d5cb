import { sqlitePlace } from "./places.js"
import { suites } from "./suites/index.js"

suites("SQLite", sqlitePlace)
