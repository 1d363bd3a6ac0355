// Waiting for an outcome: asked again until it is there, with a limit, never for a time.
import { setTimeout as pause } from "node:timers/promises";

export async function eventually(check, what, limit = 30_000) {
  const until = Date.now() + limit;
  let last;
  for (;;) {
    try {
      const found = await check();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until) throw new Error(`never: ${what}${last ? ` (${last.message})` : ""}`);
    await pause(50);
  }
}
