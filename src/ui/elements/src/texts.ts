// Every text that a person reads in the elements. `useTexts` puts another language in its place.

const count = (n: number, one: string, many = `${one}s`) => `${n.toLocaleString()} ${n === 1 ? one : many}`;
const files = (n: number) => count(n, "file");

const english = {
  common: {
    cancel: "Cancel", close: "Close", save: "Save", saved: "Saved", saving: "Saving…", edit: "Edit", more: "Show more",
    loading: "Loading…", justNow: "just now", retry: "Try again", dismiss: "Dismiss", never: "never", opensNew: "opens in a new tab",
    undo: "Discard", files, project: "Project", github: "GitHub", you: "you",
  },
  problem: {
    title: "Something went wrong", status: (status: number) => `The server answered with status ${status}.`,
    tryAgain: "Try again in a moment.", githubAction: "Try again in a moment. If it goes on, githubstatus.com says how GitHub is doing.", offlineTitle: "No connection", offline: "Lockstep cannot be reached right now.",
    offlineAction: "Check your network. This page catches up by itself once the connection is back.",
    requestId: (id: string) => `Request id ${id}`, forbiddenTitle: "Your role does not allow this",
    forbidden: "Nothing was changed.", forbiddenAction: "Ask an owner of this project to do it or to give you a higher role.",
    expiredTitle: "Your session has ended", expired: "For your security, sessions end after an hour.",
    expiredAction: "Reload the page you came from to go on. Nothing is lost.",
  },
  live: {
    polling: "Live updates are interrupted; refreshing every few seconds.", offline: "You are offline. This page catches up once the connection is back.",
    unreachable: "Lockstep cannot be reached right now. This page catches up by itself.",
  },
  role: {
    viewer: "You can look at everything here. Changing it takes an editor or owner.",
    editor: "You can sync, resolve conflicts and open pull requests. Settings belong to owners.",
  },
  panel: {
    label: "GitHub integration", tabs: { overview: "Overview", history: "History", pulls: "Pull requests", settings: "Settings" },
    recent: "Recent syncs", all: "View all",
  },
  status: {
    loading: "Checking…", disconnected: "Not connected", syncing: "Syncing", synced: "In sync", pending: (n: number) => `${n.toLocaleString()} pending`, review: (n: number) => `${n.toLocaleString()} in review`,
    error: "Sync failed", conflict: (n: number) => count(n, "conflict"), confirm: "Needs confirmation", suspended: "Suspended", broken: "Needs attention",
    unknown: "Unavailable", expired: "Session ended", retrying: "Retrying", label: (status: string) => `GitHub: ${status}`,
  },
  connection: {
    title: "Connection", emptyTitle: "Keep this project in step with GitHub",
    emptyText: "Every change becomes a commit, and what others commit comes back. You do not need to know git.",
    points: ["Changes are committed automatically", "Nothing on GitHub is ever overwritten", "You can disconnect at any time"],
    connect: "Connect to GitHub", reauthorize: "Authorize again", install: "Open the app on GitHub", another: "Connect another repository…", chooseBranch: "Choose a branch", opening: "Opening GitHub…",
    note: "GitHub will ask you to confirm. Lockstep only reaches repositories you choose.",
    waitingTitle: "Continue on GitHub", waiting: "Confirm in the window that just opened. This page goes on by itself.",
    blocked: "Your browser kept the window from opening.", openHere: "Open GitHub", denied: "You did not authorize on GitHub, so nothing was connected.",
    ownerOnly: "This project is not connected to GitHub yet.", ownerOnlyAction: "An owner of the project can connect it.",
    connected: "Connected", suspended: "Suspended", broken: "Needs attention", private: "Private", public: "Public",
    branch: "Branch", by: (who: string, when: string) => `Connected by ${who} ${when}`, since: (when: string) => `Connected ${when}`,
    lastSync: "Last synced", lastCommit: "Latest commit", neverSynced: "Not yet", viewCommit: (sha: string) => `Commit ${sha} on GitHub`,
    steps: ["Authorize", "Choose a repository", "First sync"], stepsLabel: "Steps to connect",
    pendingError: "Files stay safe in the project and are synced once this is solved.",
  },
  form: {
    title: "Choose a repository", create: "Create new", existing: "Use existing", mode: "Repository", owner: "Owner", name: "Repository name",
    description: "Description", optional: "optional", visibility: "Visibility", private: "Private", public: "Public",
    privateHint: "Only you and people you choose on GitHub can see it.", publicHint: "Anyone on the internet can see this repository.",
    branch: "Branch", branchHint: "The branch to keep in step with. Leave it empty for the default branch.",
    submitCreate: "Create repository", submitting: "Creating on GitHub…", submitConnect: "Connect repository", connecting: "Connecting…",
    nameHint: "Letters, digits, dots, dashes and underscores.", nameMissing: "Give the repository a name.",
    nameLong: "A name has at most 100 characters.", nameChars: "Use only letters, digits, “.”, “-” and “_”.",
    nameReserved: "GitHub reserves this name. Choose another one.", nameTaken: "You already have a repository of this name. Choose another one.",
    descriptionLong: "A description has at most 350 characters.", ownerMissing: "Choose who owns the repository.",
    search: "Search repositories", searchPlaceholder: "Filter by name", none: "No repository matches.", noneAtAll: "Lockstep’s GitHub App cannot see a repository yet.",
    pick: "Choose a repository from the list.", otherOwner: "Another account", notListed: "Not listed?", install: "Give access on GitHub", installFirst: "Install the app on GitHub",
    installTitle: "One more step on GitHub", installText: "Install Lockstep’s GitHub App on the account that owns your repository, or will own it. This page goes on by itself when you come back.",
    refresh: "Refresh list", archived: "Archived", reason: (code: string): string => t.form.reasons[code] ?? t.form.unavailable, unavailable: "Not available",
    reasons: {
      repository_not_accessible: "You may not push to it", installation_suspended: "App suspended", repository_archived: "Archived", already_connected: "In use by another project", permission_missing: "Permission missing",
    } as Record<string, string>,
    push: (n: number) => `${files(n)} of this project will be copied there right away.`, pushNothing: "The project has no files yet; they are copied there as soon as there are some.",
    merge: "If the repository already has files, both sides are compared first. Nothing is overwritten without asking.",
    suspended: "suspended", user: "Personal", organization: "Organization",
  },
  controls: {
    title: "Sync", auto: "Auto-sync", autoHint: "Commit changes automatically", syncNow: "Sync now", starting: "Starting…", pull: "Create pull request",
    syncing: "Syncing with GitHub…", first: "First sync with GitHub…", queued: "Waiting to start…", progress: (done: number, total: number) => `${done.toLocaleString()} of ${total.toLocaleString()}`,
    progressLabel: "Sync progress", inStep: "Everything is in sync", inStepHint: (when: string) => `Last synced ${when}`, inStepNever: "Nothing to sync yet",
    waiting: (n: number) => `${count(n, "change")} waiting`, waitingAuto: (seconds: number) => (seconds === 0 ? "Committed automatically, right away" : `Committed automatically about ${duration(seconds)} after the first change`),
    waitingManual: "Auto-sync is off. Sync now or open a pull request.", waitingOthers: "Auto-sync is off. Somebody with the role of an editor can sync.", waitingStuck: "Safe here until this is solved.", waitingRetry: "Safe here, and tried again by itself.", waitingHeld: "Held back; see why below. Everything else is in sync.", paused: "Sync is paused",
    inReview: (n: number) => `${count(n, "change")} in review`, reviewIn: "In review in", reviewHint: (pulls: string, n: number) => `Comes in when ${pulls} ${n === 1 ? "is" : "are"} merged.`, reviewRest: "Nothing else is left to sync.",
    pausedHint: "It goes on by itself once the connection works again.",
    pending: "Pending changes", showAll: (n: number) => `Show all ${n.toLocaleString()} changes`, excluded: "Excluded files", showExcluded: "Show excluded files", hideExcluded: "Hide excluded files", noExcluded: "No changed file is excluded.",
    held: "Held back", refused: "GitHub does not take this file.", said: (words: string) => `GitHub says: ${words}`, torn: "Conflict", retrying: (attempt: number) => `Attempt ${attempt} failed and will be tried again by itself.`, viewDiff: (path: string) => `Changes in ${path}`,
    confirmTitle: "This sync would delete many files", confirmText: "To be safe, it waits until somebody has looked.", confirm: "Review and confirm",
    confirmDialog: "Let this sync delete the files?", confirmDelete: "Delete and sync", deletedList: "Among the files that would go:",
    conflictTitle: (n: number) => `${count(n, "file")} changed on both sides`, conflictText: "Everything else keeps syncing. These wait for your decision.", conflictGo: "Resolve conflicts",
    change: { added: "Added", modified: "Changed", deleted: "Deleted", renamed: "Renamed", mode_changed: "Permission" },
    from: (path: string) => `from ${path}`, binary: "not text", additions: (n: number) => count(n, "line added", "lines added"), deletions: (n: number) => count(n, "line removed", "lines removed"),
  },
  history: {
    title: "History", filter: "Show", all: "All", empty: "No syncs yet", emptyText: "Each sync leaves an entry here, with its commit and what changed.", emptyFilter: "No sync with this outcome.",
    status: { queued: "Queued", running: "Running", succeeded: "Succeeded", no_changes: "No changes", conflict: "Conflict", failed: "Failed", canceled: "Canceled" },
    kind: { initial: "First sync", auto: "Auto-sync", manual: "Manual sync", pull_request: "Pull request", resolve: "Conflict resolution" },
    pulled: "From GitHub", pulledTitle: (n: number) => `${files(n)} taken over from GitHub`, by: (who: string) => `by ${who}`, files, noMessage: { initial: "First sync", auto: "Automatic sync", manual: "Manual sync", pull_request: "Pull request", resolve: "Conflicts resolved" },
    details: (what: string) => `Details of ${what}`, diff: "Changes", showDiff: "View changes", hideDiff: "Hide changes", restore: "Restore this version", restoreTitle: "Restore this version?",
    restoreText: (when: string) => `All files of the project go back to how this sync left them (${when}). This is a new change: later versions stay in the history, and you can restore those again.`,
    restoreSync: "With auto-sync on, the restored files are committed to GitHub.", restoreDo: "Restore files", restored: "The project’s files were restored.",
    attempts: (n: number) => count(n, "attempt"), started: "Started", finished: "Finished", revision: (n: number) => `Project version ${n.toLocaleString()}`, commit: "Commit", pullRequest: (n: number) => `Pull request #${n}`,
  },
  diff: {
    empty: "No changes to show.", from: (line: number) => `from line ${line.toLocaleString()}`, binary: "Not a text file, so not shown.", large: (n: number) => `Show all ${n.toLocaleString()} lines`, added: "added line", removed: "removed line", failed: "The changes could not be loaded.",
  },
  pulls: {
    title: "Pull requests", create: "New pull request", empty: "No pull requests yet", emptyText: "Propose your changes for review instead of committing them directly.", nothing: "There are no pending changes to propose.", allInReview: "All pending changes are in review already.",
    auto: (branch: string) => `With auto-sync on, changes go to ${branch} by themselves. To have them reviewed first, turn auto-sync off.`, autoOff: "Turn auto-sync off",
   
    state: { open: "Open", draft: "Draft", merged: "Merged", closed: "Closed" }, checks: { none: "No checks", pending: "Checks running", success: "Checks passed", failure: "Checks failed" },
    review: { none: "No review", required: "Review required", approved: "Approved", changes_requested: "Changes requested" }, mergeConflict: "Has merge conflicts on GitHub",
    into: (branch: string, base: string) => `${branch} into ${base}`, updatedAt: "updated", refresh: (n: number) => `Refresh status of #${n}`, refreshed: (n: number) => `#${n} is up to date`,
    formTitle: "New pull request", formText: (n: number) => `Takes ${count(n, "pending change")} to a new branch and asks for review.`, fieldTitle: "Title", fieldBody: "Description", fieldBase: "Merge into", draft: "Draft", draftHint: "Not ready for review yet",
    titleMissing: "Give the pull request a title.", submit: "Create pull request", submitting: "Creating…", created: (n: number) => `Pull request #${n} created`, paths: (n: number) => files(n), notConnected: "Connect the project to GitHub first.",
  },
  conflicts: {
    title: "Conflicts", none: "No conflicts", noneText: "Files that change here and on GitHub at once are shown here.", intro: "These files changed in the project and on GitHub since they last agreed. Choose what to keep; nothing is lost until you do.",
    kind: { both_modified: "Changed on both sides", both_added: "Added on both sides", deleted_on_github: "Changed here, deleted on GitHub", deleted_in_project: "Deleted here, changed on GitHub" },
    base: "Before", project: "Project", github: "GitHub", missing: "Not there", deleted: "Deleted", binary: (size: string) => `Not text, ${size}`, notShown: "Not a file that can be shown here.", sides: "Versions of the file",
    takeProject: "Keep project’s", takeGithub: "Take GitHub’s", deleteIt: "Delete the file", merge: "Merge by hand", useText: "Use this text", mergeLabel: (path: string) => `Merged text of ${path}`, mergeHint: "This text becomes the file on both sides.",
    marks: "There are still conflict marks in the text: between <<<<<<< and ||||||| stands the project’s version, between ======= and >>>>>>> GitHub’s. Keep what you want and delete the marks.", chosen: { project: "Keeping the project’s version", github: "Taking GitHub’s version", content: "Using your merged text" }, unchoose: "Change",
    apply: (n: number) => `Resolve ${files(n)}`, applying: "Resolving…", progress: (done: number, all: number) => `${done} of ${all} decided`, all: "Resolve all at once", allProject: "Keep project’s versions", allGithub: "Take GitHub’s versions", allPull: "Open a pull request with mine",
    sure: { project: "Keep the project’s version of every file?", github: "Take GitHub’s version of every file?", pull_request: "Open a pull request with the project’s versions?" },
    sureText: { project: "GitHub’s changes to these files are replaced by a new commit. They stay in GitHub’s history.", github: "The project’s changes to these files are replaced. You can restore them from the history.", pull_request: "GitHub’s versions stay on the branch and come into the project. Yours go to a pull request for review." },
    sureDo: "Resolve all", line: (sign: string) => (sign === "+" ? "added line" : "removed line"),
  },
  settings: {
    title: "Settings", sync: "Synchronization", auto: "Auto-sync", autoHint: "Commit changes to GitHub automatically.", pull: "Take over commits from GitHub", pullHint: "What others commit to the branch comes into the project.",
    window: "Collect changes for", windowHint: "Changes within this time become one commit.", windowOptions: [0, 5, 30, 60, 300, 900, 3600], windowOption: (seconds: number) => (seconds === 0 ? "Commit right away" : duration(seconds)),
    branch: "Branch", branchHint: "Switching compares the project with the other branch; nothing is overwritten without asking.", branchChange: "Switch branch",
    policy: "When both sides change the same lines", policies: {
      ask: ["Ask me", "Hold the file until somebody decides. Everything else goes on."], project_wins: ["Project wins", "Commit the project’s version over GitHub’s."],
      github_wins: ["GitHub wins", "Take GitHub’s version into the project."], pull_request: ["Open a pull request", "Keep GitHub’s version and propose the project’s for review."],
    } as Record<string, [string, string]>,
    template: "Commit message", templateHint: "What each commit says. Write your own text and insert words that are filled in; leave it empty for the default.", templatePlaceholder: "{{ summary }}", insert: "Insert", insertLabel: "Insert into the message", templateDefault: "Use default",
    variables: { summary: "what changed, as the default headline", project: "the project’s id", count: "number of changed files", added: "added files", modified: "changed files", deleted: "deleted files", files: "list of paths", authors: "list of names", timestamp: "date and time", revision: "project version" } as Record<string, string>,
    preview: "Preview", previewSaved: "Checked with example files when you save.", previewLoading: "Rendering…",
    exclude: "Excluded files", excludeHint: "Files that match are left out of every sync, in both directions. Pick types, or write one pattern a line, by the rules of .gitignore.", excludeTypes: "Quick choices",
    quickExcludes: { images: "Images", media: "Videos and audio", archives: "Archives", documents: "Documents", logs: "Logs", build: "Build output", dependencies: "Dependencies", secrets: "Secrets" },
    excludeAdd: (what: string) => `Exclude ${what}`,
    excludePreview: (n: number) => (n === 0 ? "No file of the project is excluded." : `${files(n)} of the project ${n === 1 ? "is" : "are"} excluded:`), excludeDraft: (n: number, kept: number) => `Would exclude ${files(n)} and sync ${files(kept)}.`, excludeMore: (n: number) => `and ${n.toLocaleString()} more`, line: (n: number) => `Line ${n}`,
    guard: "Ask before deleting more than", guardHint: "A sync that would delete more than this, and more than 20 files, waits for a person. 100\u00a0% never asks.", percent: "% of files",
    danger: "Disconnect", dangerText: "Stop syncing with this repository. It stays on GitHub as it is.", disconnect: "Disconnect", disconnectTitle: (name: string) => `Disconnect from ${name}?`,
    stays: "What stays", staysItems: ["The repository on GitHub, with all its commits and pull requests", "All files of this project", "The settings and the history on this page"], goes: "What goes", goesItems: ["All automatic syncing, in both directions", "Lockstep’s stored GitHub credentials; they are removed at once and revoked at GitHub"],
    later: "You can connect again at any time, to this or another repository.", disconnecting: "Disconnecting…", disconnected: "Disconnected from GitHub.", range: (min: number, max: number) => `A number from ${min} to ${max}.`, readOnly: "Only owners can change settings.", unsaved: "Unsaved changes",
  },
  toast: {
    label: "Notifications", synced: (n: number) => (n ? `${files(n)} committed to GitHub` : "Synced with GitHub"), pulled: (n: number) => `${files(n)} taken over from GitHub`, failed: "Sync failed", conflict: "Changed on both sides: your decision is needed",
    confirm: "A sync waits for your confirmation", viewCommit: "View commit", viewPull: "View", pullOpened: (n: number) => `Pull request #${n} opened`, pullMerged: (n: number) => `Pull request #${n} merged`, pullClosed: (n: number) => `Pull request #${n} closed`,
    connected: (name: string) => `Connected to ${name}`, disconnected: "Disconnected from GitHub", restored: "The connection works again", broken: "The connection needs attention", authorized: "Authorized on GitHub",
  },
};

/** `90` → "90 seconds", `300` → "5 minutes". */
export function duration(seconds: number): string {
  if (seconds % 3600 === 0) return count(seconds / 3600, "hour");
  return seconds % 60 === 0 ? count(seconds / 60, "minute") : count(seconds, "second");
}

/** File types that people often leave out, by the name of their label; the patterns are gitignore's. */
export const QUICK_EXCLUDES: { label: keyof Texts["settings"]["quickExcludes"]; patterns: string[] }[] = [
  { label: "images", patterns: ["*.png", "*.jpg", "*.jpeg", "*.gif", "*.webp"] },
  { label: "media", patterns: ["*.mp4", "*.mov", "*.webm", "*.mp3", "*.wav"] },
  { label: "archives", patterns: ["*.zip", "*.tar.gz", "*.7z", "*.rar"] },
  { label: "documents", patterns: ["*.pdf", "*.docx", "*.xlsx", "*.pptx"] },
  { label: "logs", patterns: ["*.log", "logs/"] },
  { label: "build", patterns: ["dist/", "build/", "out/"] },
  { label: "dependencies", patterns: ["node_modules/", "vendor/"] },
  { label: "secrets", patterns: [".env", ".env.*", "!.env.example", "*.pem", "*.key"] },
];

export type Texts = typeof english;
type Whole = ((...args: never[]) => unknown) | readonly unknown[];
type Deep<T> = { [K in keyof T]?: T[K] extends Whole ? T[K] : T[K] extends object ? Deep<T[K]> : T[K] };
type Group = Record<string, unknown>;

export const t: Texts = english;

/** Replaces texts by those of another language, at any depth; what is left out stays as it is. Call it before the first element is shown. */
export function useTexts(other: Deep<Texts>): void {
  merge(t, other);
}

function merge(into: Group, from: Group): void {
  for (const [name, text] of Object.entries(from)) {
    const before = into[name];
    if (isGroup(before) && isGroup(text)) merge(before, text);
    else into[name] = text;
  }
}

/** Lists and functions are replaced as a whole. */
function isGroup(value: unknown): value is Group {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
