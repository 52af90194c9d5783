// Builds dist/esm and dist/cjs with the `tsc` that is on the path; nothing else is needed.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

function compile(format, module, type) {
  const out = join(dist, format);
  mkdirSync(out, { recursive: true });
  const options = ["--project", here, "--outDir", out, "--module", module];
  const { status, error } = spawnSync("tsc", options, { stdio: "inherit", shell: process.platform === "win32" });
  if (error) {
    console.error(`tsc cannot be run (${error.code}): install TypeScript 4.8 or later.`);
  }
  if (status !== 0) {
    process.exit(status ?? 1);
  }
  // Node takes each folder's files for what they are, whatever the package says.
  writeFileSync(join(out, "package.json"), JSON.stringify({ type }) + "\n");
}

rmSync(dist, { recursive: true, force: true });
compile("esm", "ES2022", "module");
compile("cjs", "CommonJS", "commonjs");
