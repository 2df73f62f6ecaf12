// A foreign reader of docs/envelope-format.md, on `jose`. Reads a command a line
// (JSON) from standard input and answers each with a line. jose does not hand
// out content keys, so the commitment is not checked here.

import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import * as jose from "jose";

const KINDS = {
  "rsa-oaep-2048": ["RSA-OAEP-256", { modulusLength: 2048 }],
  x25519: ["ECDH-ES+A256KW", { crv: "X25519" }],
  p256: ["ECDH-ES+A256KW", { crv: "P-256" }],
};
const keys = [];

function assert(holds, what) {
  if (!holds) throw new Error(what);
}

async function newKey(kind) {
  const [alg, options] = KINDS[kind];
  const pair = await jose.generateKeyPair(alg, { ...options, extractable: true });
  keys.push(pair.privateKey);
  const jwk = { ...(await jose.exportJWK(pair.publicKey)), alg, use: "enc" };
  return { index: keys.length - 1, public: JSON.stringify(jwk) };
}

async function open({ recipient, from, manifest, content }) {
  const sender = JSON.parse(from);
  const signed = await jose.compactVerify(manifest, await jose.importJWK(sender, sender.alg));
  assert(signed.protectedHeader.typ === "signet-manifest+jws", "typ");
  const claims = JSON.parse(new TextDecoder().decode(signed.payload));
  assert(claims.sender === (await jose.calculateJwkThumbprint(sender)), "sender");
  const parts = JSON.parse(content);
  assert(parts.protected === claims.protected, "protected");
  const hash = createHash("sha256");
  for (const name of ["iv", "ciphertext", "tag"]) hash.update(jose.base64url.decode(parts[name]));
  assert(hash.digest("base64url") === claims.digest, "digest");
  const opened = await jose.generalDecrypt(parts, keys[recipient]);
  return { plaintext: new TextDecoder().decode(opened.plaintext) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const answer = command.do === "key" ? await newKey(command.kind) : await open(command);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
