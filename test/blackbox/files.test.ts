import { fileCases } from "./cases/files.js"
import { runOn } from "./run.js"

runOn("files", { files: fileCases })
