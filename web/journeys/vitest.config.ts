import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.journey.ts"],
    testTimeout: 120_000,
    retry: 1, // a browser on a machine that is busy with other tests
    hookTimeout: 60_000,
    fileParallelism: false,
    maxWorkers: 1,
    isolate: false, // the files share a browser
  },
});
