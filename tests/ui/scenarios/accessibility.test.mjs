// Every page in every state: no violation of WCAG 2.2 A and AA or of axe's best practices, light and dark; nothing
// wider than the window from 320 to 1400 px; nothing in the browser's console.
import { after, before, describe, test } from "node:test";
import { states } from "../support/states.mjs";
import { World } from "../support/world.mjs";

for (const withoutApp of [false, true]) {
  describe(withoutApp ? "before there is a GitHub App" : "with a GitHub App", () => {
    let world;
    before(async () => (world = await World.start({ withoutApp })));
    after(() => world.stop());

    for (const { name, reach, expect = [] } of states.filter((state) => Boolean(state.withoutApp) === withoutApp)) {
      test(`${name} is accessible, light and dark, and fits`, async () => {
        const person = await world.person();
        person.expect(...expect);
        await reach(world, person);
        await person.accessible(name);
        await person.dark();
        await person.accessible(`${name}, dark`, ["color-contrast"]);
        for (const width of [1400, 320]) {
          await person.page.setViewportSize({ width, height: 900 });
          await person.fits(`${name} at ${width} px`);
        }
        await person.leave();
      });
    }
  });
}
