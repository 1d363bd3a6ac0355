// Bundles the elements and pages into dist/, which the program embeds. `--watch` goes on doing so.
import * as esbuild from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";

const MAX_GZIP = 60 * 1024; // what a host's visitors load, compressed

const options = {
  entryPoints: ["src/embed.ts", "src/panel-page.ts", "src/console/console.ts", "src/page.css"],
  outdir: "dist",
  entryNames: "[name]",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
};

if (process.argv.includes("--watch")) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  // Only what changed is written: the program is compiled anew for it.
  const { outputFiles } = await esbuild.build({ ...options, write: false });
  await mkdir("dist", { recursive: true });
  const names = new Set(outputFiles.map((file) => path.basename(file.path)));
  for (const name of await readdir("dist")) if (!names.has(name)) await rm(path.join("dist", name), { recursive: true });
  for (const file of outputFiles) {
    const before = await readFile(file.path).catch(() => undefined);
    if (!before?.equals(file.contents)) await writeFile(file.path, file.contents);
  }
  const size = gzipSync(await readFile("dist/embed.js"), { level: 9 }).length;
  console.log(`embed.js: ${(size / 1024).toFixed(1)} KiB compressed`);
  if (size > MAX_GZIP) throw new Error(`embed.js is ${size} bytes compressed, more than ${MAX_GZIP}`);
}
