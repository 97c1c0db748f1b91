/** Who this browser is to the shop: an id that says nothing about the person, and can be thrown away. */
import type { KeyValue } from "../storage/keyValue.ts";

const ANONYMOUS_ID = "smartshop.anonymous_id";
const SESSION = "smartshop.session";
/** A visit ends after half an hour of silence, as web analytics has long counted it. */
const SESSION_GAP_MS = 30 * 60 * 1000;

export function newId(prefix: string): string {
  return `${prefix}-${randomUuid()}`;
}

/** crypto.randomUUID exists only on secure origins; a shop tried out over plain HTTP on a LAN has the rest. */
function randomUuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function anonymousId(storage: KeyValue): string {
  const known = storage.read(ANONYMOUS_ID);
  if (known !== null) return known;
  return renewAnonymousId(storage);
}

export function renewAnonymousId(storage: KeyValue): string {
  const made = newId("a");
  storage.write(ANONYMOUS_ID, made);
  storage.remove(SESSION);
  return made;
}

/** The id of the running visit; a new one after half an hour without events. */
export function sessionId(storage: KeyValue, nowMs: number): string {
  const [known, seen] = (storage.read(SESSION) ?? "").split("|");
  const isRunning = known !== undefined && known !== "" && nowMs - Number(seen) < SESSION_GAP_MS;
  const id = isRunning ? known : newId("s");
  storage.write(SESSION, `${id}|${nowMs}`);
  return id;
}
