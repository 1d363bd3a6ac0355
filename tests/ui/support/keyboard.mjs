// Somebody who has a keyboard and no mouse, and hears what is announced.
import assert from "node:assert/strict";
import { eventually } from "./eventually.mjs";

/** What has the focus: its name as it is read out, whether that is seen, and whether it is in a dialog. */
function look() {
  let element = document.activeElement;
  const around = [element];
  while (element?.shadowRoot?.activeElement) around.push((element = element.shadowRoot.activeElement));
  if (!element || element === document.body) return { name: "" };
  const by = element.getAttribute("aria-labelledby");
  const label = by ? element.getRootNode().getElementById(by) : element.labels?.[0];
  const name = element.getAttribute("aria-label") ?? (label ?? element).textContent;
  const ringed = [element, element.closest("label")].filter(Boolean).map((one) => getComputedStyle(one));
  const ring = ringed.some((style) => style.outlineStyle === "auto" || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2));
  const { top, bottom, width } = element.getBoundingClientRect();
  const unseen = !ring ? "has no ring" : width === 0 ? "is not shown" : bottom <= 0 || top >= innerHeight ? "is outside of the window" : "";
  return { name: name.replace(/\s+/g, " ").trim(), unseen, inDialog: around.some((one) => one.closest("lockstep-dialog, dialog") !== null) };
}

/** The regions whose changes are read out. */
function regions() {
  const found = [];
  const search = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.matches("[role=status], [role=alert], [aria-live]")) found.push(element);
      if (element.shadowRoot) search(element.shadowRoot);
    }
  };
  search(document);
  return found;
}

export class Keyboard {
  constructor({ page }) {
    this.page = page;
  }

  async focused() {
    return this.page.evaluate(look);
  }

  /** Tabs there; whatever has the focus on the way is seen to have it. */
  async reach(name, key = "Tab") {
    const passed = [];
    for (let steps = 0; steps < 80; steps++) {
      const now = await this.focused();
      if (now.name) assert.equal(now.unseen, "", `the focus on ${now.name} is seen; passed: ${passed.join(" | ")}`);
      if (now.name.startsWith(name)) return;
      passed.push(now.name.slice(0, 30));
      await this.page.keyboard.press(key);
    }
    assert.fail(`${name} cannot be reached; passed: ${passed.join(" | ")}`);
  }

  async press(name, key = "Enter") {
    await this.reach(name);
    await this.listen();
    await this.page.keyboard.press(key);
  }

  async type(name, text) {
    await this.reach(name);
    await this.page.keyboard.press("ControlOrMeta+a");
    await this.page.keyboard.type(text);
  }

  /** Where the focus is, or comes to be. */
  async isOn(name) {
    let now;
    await eventually(async () => (now = await this.focused()).name.startsWith(name), `the focus is on ${name}`, 5_000).catch((error) => {
      throw new Error(`${error.message}; it is on ${now.name || "nothing"}`);
    });
    assert.equal(now.unseen, "", `the focus on ${name} is seen`);
  }

  /** However far one tabs, a dialog is not left. */
  async isHeld(steps = 8) {
    for (let step = 0; step < steps; step++) {
      await this.page.keyboard.press("Tab");
      const { name, inDialog } = await this.focused();
      assert.ok(!name || inDialog, `${name} is outside of the dialog`);
    }
  }

  /** Regions announce what changes in them, so they have to be there before. */
  async listen() {
    this.known = await this.page.evaluateHandle(regions);
  }

  async hears(text) {
    const heard = () => this.known.evaluate((known, text) => known.some((region) => region.isConnected && region.textContent.includes(text)), text);
    await eventually(heard, `“${text}” is announced`);
  }
}
