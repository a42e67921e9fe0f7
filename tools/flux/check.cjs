// Tells what is wrong with Flux queries: reads {name: text} as JSON from standard input, and writes
// {name: [message]} to standard output. No message: the types are sound.
const { Lsp, is_valid_flux } = require("@influxdata/flux-lsp-node");

const ERROR = 1;

async function messages(queries) {
  const found = {};
  const told = (text) => {
    const { method, params } = JSON.parse(text);
    if (method !== "textDocument/publishDiagnostics") return;
    const errors = params.diagnostics.filter((one) => one.severity === ERROR);
    found[params.uri] = errors.map((one) => `line ${one.range.start.line + 1}: ${one.message}`);
  };
  const server = new Lsp();
  server.onMessage(told);
  server.run();
  const send = (call) => server.send(JSON.stringify({ jsonrpc: "2.0", ...call }));
  await send({ id: 1, method: "initialize", params: { capabilities: {} } });
  await send({ method: "initialized", params: {} });
  const answers = {};
  for (const [name, text] of Object.entries(queries)) {
    const uri = `file:///${encodeURIComponent(name)}/query.flux`;
    const textDocument = { uri, languageId: "flux", version: 1, text };
    await send({ method: "textDocument/didOpen", params: { textDocument } });
    await new Promise((resolve) => setImmediate(resolve));
    answers[name] = found[uri] ?? [];
    if (answers[name].length === 0 && !is_valid_flux(text)) answers[name] = ["it is not valid"];
  }
  return answers;
}

// The library logs to standard output, which holds the answer alone.
const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
let input = "";
process.stdin.on("data", (piece) => (input += piece));
process.stdin.on("end", async () => {
  const found = await messages(JSON.parse(input));
  answer(JSON.stringify(found), () => process.exit(0));
});
