// What all elements share: their three attributes, the store behind them, and how an action runs.
import { LitElement, type PropertyValues } from "lit";
import { property, state } from "lit/decorators.js";
import { asProblem, ofRequest } from "./api/problem.js";
import type { Integration, Problem } from "./api/types.js";
import { storeFor, type Need, type Store, type Watcher } from "./live/store.js";
import { focusInside, keepFocus } from "./parts/focus.js";
import { controls } from "./styles/controls.js";
import { tokens } from "./styles/tokens.js";

export { html, css, nothing, svg } from "lit";
export { repeat } from "lit/directives/repeat.js";
export { property, state } from "lit/decorators.js";

/** Where this script came from: the API's address, unless the page says another. */
const ORIGIN = new URL(".", import.meta.url).href;

export abstract class LockstepElement extends LitElement implements Watcher {
  static override styles = [tokens, controls];

  /** The project's id. */
  @property() project = "";
  /** The token of a panel session. */
  @property() session = "";
  /** Lockstep's public URL. */
  @property() api = "";

  /** The action that runs now; its button shows it. */
  @state() protected busy = "";
  /** What the last action ran into. */
  @state() protected failure: Problem | undefined;

  abstract readonly needs: readonly Need[];
  protected store!: Store;
  private leave: (() => void) | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.attach();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.detach();
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (!this.hasUpdated || changed.has("project") || changed.has("session") || changed.has("api")) this.attach();
  }

  private attach(): void {
    this.detach();
    if (!this.project || !this.session) return;
    this.store = storeFor(this.api || ORIGIN, this.project, this.session);
    this.leave = this.store.watch(this);
  }

  private detach(): void {
    this.leave?.();
    this.leave = undefined;
  }

  protected override shouldUpdate(changed: PropertyValues): boolean {
    if (!this.store && this.project && this.session) this.willUpdate(changed);
    return this.store !== undefined;
  }

  protected override update(changed: PropertyValues): void {
    keepFocus(this.renderRoot, () => super.update(changed));
  }

  /** Puts the focus on the heading, or on the first field. */
  override focus(): void {
    focusInside(this.renderRoot);
  }

  storeChanged(): void {
    this.requestUpdate();
  }

  sessionExpired(): void {
    this.announce("lockstep-session-expired", {});
  }

  integrationChanged(integration: Integration): void {
    this.announce("lockstep-change", { integration });
  }

  /** An event for the page; the outermost element speaks for those inside it. */
  private announce(name: string, detail: unknown): void {
    const root = this.getRootNode();
    if (root instanceof ShadowRoot && root.host instanceof LockstepElement) return;
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  /** An event for the element around this one. */
  protected tell(name: string, detail?: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  /** Runs one action at a time; a problem stays until the next one. `undefined`: it failed, or another runs. */
  protected async run<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.busy) return undefined;
    [this.busy, this.failure] = [name, undefined];
    try {
      return await work();
    } catch (error) {
      this.failure = ofRequest(asProblem(error));
      if (this.failure.code === "unauthorized") this.store.failed(error);
      return undefined;
    } finally {
      this.busy = "";
    }
  }

  protected get integration(): Integration | undefined {
    return this.store.integration;
  }

  protected get connected(): boolean {
    return this.integration !== undefined && this.integration.state !== "disconnected";
  }

  /** For `aria-disabled`: a button that waits for its answer keeps the focus, which a disabled one would lose. */
  protected get stays(): "true" | "false" {
    return this.busy ? "true" : "false";
  }

  /** Whether the role, as far as it is known, allows what editors or owners do. */
  protected may(role: "editor" | "owner"): boolean {
    const mine = this.store.role;
    return mine === undefined || mine === "owner" || mine === role;
  }
}

export function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}
