// Says where the given files are not Bicep, one line each: path:line:column.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Language, Parser } from 'web-tree-sitter'

const grammar = import.meta.resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')

await Parser.init()
const parser = new Parser()
parser.setLanguage(await Language.load(fileURLToPath(grammar)))

function* wrong(node) {
  if (node.isError || node.isMissing) yield node
  for (const child of node.children) yield* wrong(child)
}

for (const path of process.argv.slice(2)) {
  const tree = parser.parse(await readFile(path, 'utf8'))
  for (const { startPosition: { row, column } } of wrong(tree.rootNode)) {
    console.log(`${path}:${row + 1}:${column + 1}`)
  }
}
