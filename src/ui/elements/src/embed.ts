// What /embed.js defines: all elements, and the way to translate them.
export { LockstepPanel } from "./panel.js";
export { LockstepStatus } from "./status.js";
export { LockstepConnection } from "./connection.js";
export { LockstepRepositoryForm } from "./repository-form.js";
export { LockstepSyncControls } from "./sync-controls.js";
export { LockstepHistory } from "./history.js";
export { LockstepPullRequests } from "./pull-requests.js";
export { LockstepConflicts } from "./conflicts.js";
export { LockstepSettings } from "./settings.js";
export { useTexts } from "./texts.js";
