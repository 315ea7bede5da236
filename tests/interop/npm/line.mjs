// One JSON document in on standard input, one JSON line out: how the tests speak to these scripts. No secret is an argument.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin });

export async function input() {
  for await (const line of lines) return JSON.parse(line);
  throw new Error("nothing came on standard input: these scripts are started by tests/interop/node.py");
}

export function tell(result) {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

// What a library threw, as far as a caller of the library can read it.
export function refusal(error) {
  const text = `${error.message}`;
  return { thrown: error.constructor.name, error: error.error, code: error.code, status: error.status, text };
}

export async function attempt(work) {
  try {
    return { value: await work() };
  } catch (error) {
    return { refused: refusal(error) };
  }
}

// A server of the script lives as long as the test that started it: its standard input ends with that test.
export function serve(listener, port = 0) {
  const server = listener.listen(port, "127.0.0.1", () => tell({ port: server.address().port }));
  lines.on("close", () => process.exit(0)).resume();
}
