// The module as an edge would run it: instantiated without any import, driven through its memory.
// node --test gate.test.mjs, with GATE_WASM naming the module.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const bytes = await readFile(process.env.GATE_WASM);
const module = await WebAssembly.compile(bytes);
const { exports: gate } = await WebAssembly.instantiate(module, {});
const vectors = JSON.parse(await readFile(new URL("vectors.json", import.meta.url), "utf8"));

const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const utf8 = (text) => new TextEncoder().encode(text);

/** Copies bytes into the module; nothing for nothing. */
function put(content) {
  if (content.length === 0) return { pointer: 0, length: 0 };
  const pointer = gate.gate_alloc(content.length);
  assert.notEqual(pointer, 0);
  new Uint8Array(gate.memory.buffer, pointer, content.length).set(content);
  return { pointer, length: content.length };
}

function check({ room, keys, session, token, now_ms }) {
  const parts = [hex(room), hex(keys), utf8(session), utf8(token)].map(put);
  const [r, k, s, t] = parts;
  const verdict = gate.gate_check(
    r.pointer, k.pointer, k.length, s.pointer, s.length, t.pointer, t.length, BigInt(now_ms),
  );
  for (const { pointer, length } of parts) gate.gate_free(pointer, length);
  return verdict;
}

test("the module asks its host for nothing", () => {
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  assert.equal(gate.gate_abi(), 1);
});

for (const vector of vectors) {
  test(`${vector.name}: ${vector.verdict}`, () => {
    assert.equal(check(vector), vector.verdict);
    if (vector.expires_ms !== null) assert.equal(gate.gate_expires_ms(), BigInt(vector.expires_ms));
  });
}

test("ten thousand requests leave its memory as large as it was", () => {
  check(vectors[0]);
  const before = gate.memory.buffer.byteLength;
  for (let request = 0; request < 10_000; request++) {
    assert.equal(check({ ...vectors[2], session: `session ${request}` }), 1);
  }
  assert.equal(gate.memory.buffer.byteLength, before);
});

test("bytes that are no text are no token", () => {
  const good = vectors[0];
  const parts = [hex(good.room), hex(good.keys), utf8(good.session), Uint8Array.of(0xff, 0xfe)].map(put);
  const [r, k, s, t] = parts;
  const verdict = gate.gate_check(
    r.pointer, k.pointer, k.length, s.pointer, s.length, t.pointer, t.length, BigInt(good.now_ms),
  );
  assert.equal(verdict, 2);
});

test("it is small enough for an edge", () => {
  assert.ok(bytes.length < 150_000, `${bytes.length} bytes`);
});
