// The script of the panel's page: takes the session from the fragment, so that it stands in no log and no
// history, and shows the panel.
import "./panel.js";
import "./status.js";

const [, project = ""] = /\/panel\/([^/]+)\/?$/.exec(location.pathname) ?? [];
const api = location.href.slice(0, location.href.lastIndexOf("/panel/"));
const id = decodeURIComponent(project);

const fragment = new URLSearchParams(location.hash.slice(1));
const given = fragment.get("session");
const session = given ?? recall();
const outcome = new URLSearchParams(location.search).get("lockstep") ?? "";
if (given) remember(given);

const page = location.pathname;
const tab = fragment.get("tab") ?? "overview";
history.replaceState(null, "", tab === "overview" ? page : `${page}#tab=${tab}`);
document.querySelector("#project")!.textContent = id;

if (session) {
  const [panel, status] = [document.createElement("lockstep-panel"), document.createElement("lockstep-status")];
  for (const element of [panel, status]) Object.assign(element, { project: id, session, api });
  // In a frame GitHub's pages refuse to show: there a window of their own is opened instead.
  Object.assign(panel, { tab, outcome, returnTo: window.top === window ? `${api}/panel/${project}` : "" });
  panel.addEventListener("lockstep-tab", (event) => {
    const { tab: next } = (event as CustomEvent<{ tab: string }>).detail;
    history.replaceState(null, "", next === "overview" ? page : `${page}#tab=${next}`);
  });
  panel.addEventListener("lockstep-session-expired", () => forget());
  document.querySelector("#status")!.append(status);
  document.querySelector("main")!.replaceChildren(panel);
} else {
  document.querySelector("#no-session")!.removeAttribute("hidden");
}

function key(): string {
  return `lockstep:${id}`;
}

// A frame may have no storage; then a reload asks the host again.
function recall(): string | null {
  try {
    return sessionStorage.getItem(key());
  } catch {
    return null;
  }
}

function remember(token: string): void {
  try {
    sessionStorage.setItem(key(), token);
  } catch {
    // The session lasts as long as the page.
  }
}

function forget(): void {
  try {
    sessionStorage.removeItem(key());
  } catch {
    // Nothing was kept.
  }
}
