// Pictures of every page in every state, light and dark, narrow and wide, for people to look at:
// `npm run shots [-- NAME…]` puts them into the folder SHOTS (.dev/shots), only those whose name contains NAME.
// `npm run shots -- --readme` makes the few that the README shows.
import { mkdir } from "node:fs/promises";
import { states } from "./support/states.mjs";
import { World } from "./support/world.mjs";

const LOOKS = [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360], ["light", 320], ["light", 1400]];
const README = { "overview-waiting": "light", "overview-conflict": "light", pulls: "dark", settings: "dark" };
const forReadme = process.argv.includes("--readme");
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const folder = process.env.SHOTS ?? new URL(forReadme ? "../../src/ui/shots" : "../../.dev/shots", import.meta.url).pathname;
await mkdir(folder, { recursive: true });

function isWanted({ name }) {
  return forReadme ? name in README : !wanted.length || wanted.some((word) => name.includes(word));
}

async function shoot(page, path, [colorScheme, width]) {
  await page.setViewportSize({ width, height: 700 });
  await page.emulateMedia({ colorScheme });
  await page.locator(".skeleton").first().waitFor({ state: "hidden", timeout: 3_000 }).catch(() => undefined); // some states are those of loading
  await page.screenshot({ path: `${folder}/${path}.png`, fullPage: true, animations: "disabled" });
}

async function shootAll(page, name) {
  if (forReadme) return shoot(page, name, [README[name], 960]);
  for (const look of LOOKS) await shoot(page, `${name}-${look.join("-")}`, look);
}

async function reachAndShoot(world, { name, reach }) {
  if (forReadme) world.named = { id: "website", login: "acme" };
  const person = await world.person();
  try {
    await reach(world, person);
    await shootAll(person.page, name);
    console.log(name);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
  await person.context.close();
}

for (const withoutApp of [false, true]) {
  const chosen = states.filter((state) => Boolean(state.withoutApp) === withoutApp && isWanted(state));
  for (const group of forReadme ? chosen.map((state) => [state]) : chosen.length ? [chosen] : []) {
    const world = await World.start({ withoutApp });
    for (const state of group) await reachAndShoot(world, state);
    await world.stop();
  }
}
