// The screens, found by following links as a person would: one address of each shape.

const ID = /^[a-z]+_[0-9a-z]{20,}$/;
/** More than there are: links that lead on for ever would be a mistake. */
const SCREENS_MAX = 80;

/** The shape of an address: what stands in it for one of many is a colon. */
function shape(href) {
  const segments = new URL(href).pathname.split("/");
  return segments.map((segment) => ID.test(segment) ? ":id" : segment.includes(".") ? ":name" : segment).join("/");
}

/** The addresses of the menu. */
export async function menu(page) {
  await page.goto("/ui");
  const hrefs = await page.locator("nav.side a, details.menu a").evaluateAll((links) => links.map((link) => link.href));
  return hrefs.map((href) => new URL(href).pathname);
}

/**
 * Goes to every screen that links of the menu and of other screens lead to, and has `look` look at each. `from` stands
 * for the menu where there is none.
 */
export async function everyScreen(page, look, from) {
  const waiting = from ?? await menu(page);
  const seen = new Set(waiting.map((path) => shape(new URL(path, page.url()).href)));
  const paths = [];
  while (waiting.length > 0) {
    const path = waiting.shift();
    const response = await page.goto(path);
    if (response.status() !== 200) throw new Error(`a link leads to ${path}, which answers ${response.status()}`);
    for (const href of await linksOf(page)) {
      if (seen.has(shape(href))) continue;
      seen.add(shape(href));
      const url = new URL(href);
      waiting.push(url.pathname + url.search);
    }
    paths.push(path);
    if (paths.length > SCREENS_MAX) throw new Error(`more than ${SCREENS_MAX} screens: ${[...seen].join(" ")}`);
    await look?.(path, shape(new URL(path, page.url()).href));
  }
  return paths;
}

/** Links to pages: what is downloaded is none. */
async function linksOf(page) {
  const links = page.locator("main a[href]:not([download])");
  // A link of a chart is one of SVG, whose `href` is no text.
  const hrefs = await links.evaluateAll((all) => all.map((link) => new URL(link.getAttribute("href"), location).href));
  return hrefs.filter((href) => new URL(href).pathname.startsWith("/ui") && !/\/(payload|export)\b/.test(href));
}
