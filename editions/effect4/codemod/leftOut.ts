/** Prints what the edition lacks of the repository's files and tests, and why. */
import { leftOutFiles, leftOutNames, leftOutTests } from "./selection.js"

const lines = [
  ...leftOutNames.map(([file, name, reason]) => `${name} of ${file}: ${reason}`),
  ...leftOutFiles.map(({ files, reason }) => `${files}: ${reason}`),
  ...leftOutTests.map(([file, test, reason]) => `${file} > ${test}: ${reason}`)
]
console.log(`left out    ${lines.length} names, files, folders and tests:`)
for (const line of lines) console.log(`  ${line}`)
