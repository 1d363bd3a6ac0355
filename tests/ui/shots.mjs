// Pictures of every page in every state, light and dark, narrow and wide, for people to look at:
// `npm run shots [-- NAME…]` puts them into the folder SHOTS (.dev/shots), only those whose name contains NAME.
import { mkdir } from "node:fs/promises";
import { states } from "./support/states.mjs";
import { World } from "./support/world.mjs";

const folder = process.env.SHOTS ?? new URL("../../.dev/shots", import.meta.url).pathname;
const wanted = process.argv.slice(2);
const LOOKS = [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360]];
await mkdir(folder, { recursive: true });

async function shoot(page, name) {
  for (const [colorScheme, width] of LOOKS) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png`, fullPage: true, animations: "disabled" });
  }
}

for (const withoutApp of [false, true]) {
  const chosen = states.filter((state) => Boolean(state.withoutApp) === withoutApp && (!wanted.length || wanted.some((word) => state.name.includes(word))));
  if (!chosen.length) continue;
  const world = await World.start({ withoutApp });
  for (const { name, reach } of chosen) {
    const person = await world.person();
    try {
      await reach(world, person);
      await shoot(person.page, name);
      console.log(name);
    } catch (error) {
      console.error(`${name}: ${error.message}`);
      process.exitCode = 1;
    }
    await person.context.close();
  }
  await world.stop();
}
