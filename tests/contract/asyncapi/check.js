// Parses an AsyncAPI document and prints what the parser has to say, as JSON.
// Usage: node check.js FOLDER_OF_NODE_MODULES DOCUMENT
const path = require("node:path");

const [modules, file] = process.argv.slice(2);
const { Parser, fromFile } = require(path.join(modules, "@asyncapi", "parser"));
const SEVERITIES = ["error", "warning", "information", "hint"];

fromFile(new Parser(), file).parse().then(({ document, diagnostics }) => {
  const said = diagnostics.map(({ severity, code, path: at, message }) => ({
    severity: SEVERITIES[severity],
    at: at.join("/"),
    text: `${code}: ${message}`,
  }));
  const counts = document
    ? { channels: document.channels().length, operations: document.operations().length, messages: document.messages().length }
    : null;
  process.stdout.write(JSON.stringify({ counts, said }));
});
