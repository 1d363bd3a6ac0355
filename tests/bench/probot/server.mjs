// What a team would write with Probot for the same duty: check the signature, put the delivery on a
// Redis stream once, answer. Started by the bench.
import { createServer } from "node:http";
import { Redis } from "ioredis";
import { createNodeMiddleware, createProbot } from "probot";

const redis = new Redis(process.env.REDIS);
const prefix = process.env.PREFIX;

const keep = (app) => {
  app.onAny(async ({ id, name, payload }) => {
    await redis
      .pipeline()
      .set(`${prefix}:seen:${id}`, 1, "EX", 259200, "NX")
      .xadd(`${prefix}:deliveries`, "*", "d", id, "e", name, "b", JSON.stringify(payload))
      .exec();
  });
};

const probot = createProbot({
  overrides: {
    appId: process.env.APP_ID,
    privateKey: process.env.PRIVATE_KEY,
    secret: process.env.WEBHOOK_SECRET,
    logLevel: "warn",
  },
});
const receive = await createNodeMiddleware(keep, { probot, webhooksPath: "/webhooks/github" });

createServer(async (request, response) => {
  if (request.url === "/ping") return response.end("pong");
  if (!(await receive(request, response))) {
    response.statusCode = 404;
    response.end();
  }
}).listen(Number(process.env.PORT), "127.0.0.1");
