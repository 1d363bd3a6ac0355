// Keeps the focus inside when what had it goes away: who uses the keyboard goes on close by, and hears where that is.

const HEADINGS = "h2, h3";
const FIELDS = "textarea, input, select";
const OTHERS = "[aria-selected='true'], button, a[href]";

/** Updates what is shown in `root`; when that took the focus away, the nearest heading, field or button gets it. */
export function keepFocus(root: Node, update: () => void): void {
  const had = root instanceof ShadowRoot ? root.activeElement : null;
  const around = had ? [...surroundings(had)] : [];
  update();
  if (!had || had.isConnected || !isLost()) return;
  const left = around.filter((node) => node.isConnected);
  if (left.some((node) => (node as Element).localName === "lockstep-dialog")) return; // gives it back when it closes
  left.some(focusInside);
}

/** Moves the focus into `node`; false when nothing there takes it. */
export function focusInside(node: ParentNode): boolean {
  for (const wanted of [HEADINGS, FIELDS, OTHERS]) {
    for (const element of node.querySelectorAll<HTMLElement>(wanted)) {
      if (wanted === HEADINGS) element.tabIndex = -1;
      if (element.matches("button[tabindex='-1']")) continue;
      element.focus();
      if ((element.getRootNode() as ShadowRoot).activeElement === element) return true;
    }
  }
  return false;
}

function isLost(): boolean {
  return !document.activeElement || document.activeElement === document.body;
}

/** What is around an element, from the inside out, as far as it is ours. */
function* surroundings(element: Element): Generator<ParentNode & Node> {
  for (let node = element.parentNode; node; node = node.parentNode) {
    yield node;
    if (!(node instanceof ShadowRoot)) continue;
    const outer = node.host.getRootNode();
    if (!(outer instanceof ShadowRoot) || !outer.host.localName.startsWith("lockstep-")) return;
    node = node.host;
  }
}
