// A foreign implementation of docs/envelope-format.md, on `jose`. Reads a command a
// line (JSON) from standard input and answers each with a line.
//
// jose hands out no content keys, and its encrypter takes none. So one recipient
// more is written, whose wrapped key is unwrapped here, by hand, for the commitment,
// and then left out. When opening, the commitment is not checked.

import { constants, createHash, createHmac, generateKeyPairSync, privateDecrypt } from "node:crypto";
import { createInterface } from "node:readline";
import * as jose from "jose";

const LABEL = "signet.dev/v1/content-key-commitment\0";
const rsa = (alg, use, modulusLength) => [alg, use, { modulusLength }];
const KINDS = {
  "rsa-oaep-2048": rsa("RSA-OAEP-256", "enc", 2048),
  "rsa-oaep-3072": rsa("RSA-OAEP-256", "enc", 3072),
  "rsa-oaep-4096": rsa("RSA-OAEP-256", "enc", 4096),
  x25519: ["ECDH-ES+A256KW", "enc", { crv: "X25519" }],
  p256: ["ECDH-ES+A256KW", "enc", { crv: "P-256" }],
  "rsa-pss-2048": rsa("PS256", "sig", 2048),
  "rsa-pss-3072": rsa("PS256", "sig", 3072),
  "rsa-pss-4096": rsa("PS256", "sig", 4096),
  ed25519: ["EdDSA", "sig", {}],
  es256: ["ES256", "sig", {}],
};
const keys = [];

function assert(holds, what) {
  if (!holds) throw new Error(what);
}

async function newKey(kind) {
  const [alg, use, options] = KINDS[kind];
  const pair = await jose.generateKeyPair(alg, { ...options, extractable: true });
  const jwk = { ...(await jose.exportJWK(pair.publicKey)), alg, use };
  keys.push({ key: pair.privateKey, alg, kid: await jose.calculateJwkThumbprint(jwk) });
  return { index: keys.length - 1, public: JSON.stringify(jwk) };
}

function digest(parts) {
  const hash = createHash("sha256");
  for (const name of ["iv", "ciphertext", "tag"]) hash.update(jose.base64url.decode(parts[name]));
  return hash.digest("base64url");
}

// Encrypts with jose, and finds out the content key.
async function encrypt(recipients, plaintext) {
  const extra = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const encrypter = new jose.GeneralEncrypt(new TextEncoder().encode(plaintext));
  encrypter.setProtectedHeader({ enc: "A256GCM", typ: "signet-content+jwe", cty: "text/plain" });
  for (const { key, alg, kid } of recipients) {
    encrypter.addRecipient(key).setUnprotectedHeader({ alg, kid });
  }
  encrypter.addRecipient(extra.publicKey).setUnprotectedHeader({ alg: "RSA-OAEP-256" });
  const content = await encrypter.encrypt();
  const wrapped = jose.base64url.decode(content.recipients.pop().encrypted_key);
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
  return [content, privateDecrypt({ key: extra.privateKey, ...padding }, wrapped)];
}

async function seal({ sender, recipients, terms, plaintext }) {
  const from = keys[sender];
  const to = await Promise.all(recipients.map(async (text) => {
    const jwk = JSON.parse(text);
    const kid = await jose.calculateJwkThumbprint(jwk);
    return { key: await jose.importJWK(jwk, jwk.alg), alg: jwk.alg, kid };
  }));
  const [content, contentKey] = await encrypt(to, plaintext);
  const jti = crypto.randomUUID();
  const claims = {
    ver: 1,
    jti,
    tenant: terms.tenant,
    sender: from.kid,
    recipients: to.map(({ kid }) => kid),
    protected: content.protected,
    commitment: createHmac("sha256", contentKey).update(LABEL + jti).digest("base64url"),
    digest: digest(content),
    purpose: terms.purpose,
    iat: terms.iat,
    exp: terms.exp,
  };
  const signer = new jose.CompactSign(new TextEncoder().encode(JSON.stringify(claims)));
  signer.setProtectedHeader({ alg: from.alg, typ: "signet-manifest+jws", kid: from.kid });
  return { manifest: await signer.sign(from.key), content: JSON.stringify(content) };
}

async function open({ recipient, from, manifest, content }) {
  const sender = JSON.parse(from);
  const signed = await jose.compactVerify(manifest, await jose.importJWK(sender, sender.alg));
  assert(signed.protectedHeader.typ === "signet-manifest+jws", "typ");
  const claims = JSON.parse(new TextDecoder().decode(signed.payload));
  assert(claims.sender === (await jose.calculateJwkThumbprint(sender)), "sender");
  const parts = JSON.parse(content);
  assert(parts.protected === claims.protected, "protected");
  assert(digest(parts) === claims.digest, "digest");
  const opened = await jose.generalDecrypt(parts, keys[recipient].key);
  return { plaintext: new TextDecoder().decode(opened.plaintext) };
}

const answers = { key: ({ kind }) => newKey(kind), seal, open };

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await answers[command.do](command))}\n`);
}
