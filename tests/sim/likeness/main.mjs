// Runs every check against one simulator and prints what does not agree.

import * as clients from "./checks/clients.mjs";
import * as documents from "./checks/documents.mjs";
import * as rest from "./checks/rest.mjs";
import * as webhooks from "./checks/webhooks.mjs";
import { Report } from "./lib/report.mjs";
import { Sim } from "./lib/sim.mjs";

const report = new Report();
for (const [name, group] of Object.entries({ rest, documents, webhooks, clients })) {
  const sim = await Sim.start(process.env.SIM_BIN);
  try {
    await group.run(sim, report);
    const { unknown } = await sim.verb("GET", "/requests");
    await report.check(`${name}: every request was known`, () => {
      if (unknown.length) throw new Error(unknown.join("\n"));
    });
  } catch (error) {
    await report.check(`${name}: ran to its end`, () => {
      throw error;
    });
  } finally {
    await sim.stop();
  }
}
report.close();
