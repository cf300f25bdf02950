import type { Schema } from "../kernel/api/types";

type Inclusion = Schema<"Inclusion">;

export interface Checked {
  /** The hashes lead from the event's own bytes to the root that the head states. */
  included: boolean;
  /** The ledger's key signed that head; undefined where this browser knows no Ed25519. */
  signed: boolean | undefined;
  root: string;
}

/** Whether a browser can compute hashes here: only over https, and on this computer. */
export const canCheck = () => globalThis.crypto?.subtle !== undefined;

/**
 * Checks a proof with nothing but the key: the hashes of RFC 9162 §2.1.3 from the stored bytes of the event to the root, and the signature
 * of the head (C2SP signed-note). `ostinato.ledger.witness` does the same in Python.
 */
export async function check(proof: Inclusion, key: string): Promise<Checked> {
  const note = read(proof.note);
  const path = proof.path.map(fromHex);
  const root = await rootOf(await sha256(new Uint8Array([0]), fromBase64(proof.body)), proof.seq, proof.size, path);
  const included = note.size === proof.size && root !== undefined && toHex(root) === toHex(note.root);
  return { included, signed: await isSigned(note, key), root: toHex(note.root) };
}

interface Note {
  text: string;
  origin: string;
  size: number;
  root: Bytes;
  signatures: string[];
}

/** What crypto.subtle takes: bytes of their own, not shared ones. */
type Bytes = Uint8Array<ArrayBuffer>;

function read(note: string): Note {
  const [text = "", signatures = ""] = note.split("\n\n");
  const [origin = "", size = "", root = ""] = text.split("\n");
  return { text: `${text}\n`, origin, size: Number(size), root: fromBase64(root), signatures: signatures.split("\n") };
}

async function rootOf(leaf: Bytes, seq: number, size: number, path: readonly Bytes[]): Promise<Bytes | undefined> {
  if (seq < 0 || seq >= size) return undefined;
  let [here, last, hash] = [seq, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (here % 2 === 1 || here === last) {
      hash = await sha256(new Uint8Array([1]), sibling, hash);
      while (here % 2 === 0 && here !== 0) [here, last] = [here / 2, Math.floor(last / 2)];
    } else {
      hash = await sha256(new Uint8Array([1]), hash, sibling);
    }
    [here, last] = [Math.floor(here / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hash : undefined;
}

async function isSigned({ text, origin, signatures }: Note, key: string): Promise<boolean | undefined> {
  const raw = fromBase64(key.slice(key.indexOf("+", key.indexOf("+") + 1) + 1)).slice(1);
  const verifier = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]).catch(() => undefined);
  if (!verifier) return undefined;
  const line = signatures.find((signature) => signature.startsWith(`— ${origin} `)) ?? "";
  const packed = fromBase64(line.slice(line.lastIndexOf(" ") + 1));
  return crypto.subtle.verify("Ed25519", verifier, packed.slice(4), new TextEncoder().encode(text));
}

async function sha256(...parts: readonly Bytes[]): Promise<Bytes> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function fromHex(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
