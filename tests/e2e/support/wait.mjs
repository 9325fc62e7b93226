// Waiting for what is to happen, with a bound.

export const SOON_MS = 30_000;

/** What `look` finds, once it finds something. */
export async function until(what, look, within = SOON_MS) {
  const deadline = Date.now() + within;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${within / 1000} s: ${what}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}
