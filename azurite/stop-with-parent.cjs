"use strict";

// Loaded before Azurite (node --require). Whoever starts Azurite holds the other end of its standard input, so the
// end of that stream means "stop", whether the parent asked for it or died. Azurite saves its data on SIGTERM;
// emitting it here, instead of sending it, works on Windows as well.
const graceMilliseconds = 10_000;

function stop() {
  if (!process.emit("SIGTERM", "SIGTERM")) process.exit(0); // still starting: nothing to save
  setTimeout(() => process.exit(0), graceMilliseconds).unref();
}

for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {}); // nobody reads them any more
process.stdin.once("close", stop).on("error", () => {}).resume();
process.stdin.unref?.();
