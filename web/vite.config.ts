import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const server = process.env.OSTINATO_URL ?? "http://127.0.0.1:8080";
/** What every page needs, in one file rather than twenty: they pack better together. No other library is split by its name. */
const SHELL = new RegExp(
  [
    "node_modules/(react|react-dom|scheduler|use-sync-external-store)/",
    "node_modules/@tanstack/(react-router|router-core|history|query-core|react-query|store|react-store)/",
    "src/kernel/(?!artifact|worker)",
    "src/[a-z]+/routes\\.tsx$",
    "src/app/[a-z-]+\\.tsx?$",
    "src/ui/(button|menu|confirm|toasts|page|error-box|status)\\.tsx$",
  ].join("|"),
);
const PACKED = /\.(js|css|html|svg)$/;

/** The first font is asked for with the page, and nothing is painted before the theme is known. */
function firstPaint(): Plugin {
  return {
    name: "first-paint",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: (html, { bundle }) => {
        const font = Object.keys(bundle ?? {}).find((name) => name.includes("inter-latin"));
        const preload = `<link rel="preload" as="font" type="font/woff2" crossorigin href="/${font}" />`;
        return html
          .replace('<script type="module"', '<script type="module" blocking="render"')
          .replace("</title>", `</title>${font ? `\n    ${preload}` : ""}`);
      },
    },
  };
}

/** Beside each text lies what a browser gets of it: packed once, here, as well as can be. */
function packed(): Plugin {
  let folder = "";
  return {
    name: "packed",
    apply: "build",
    configResolved: (config) => {
      folder = resolve(config.root, config.build.outDir);
    },
    closeBundle: () => {
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((n) => PACKED.test(n))) {
        const content = readFileSync(join(folder, name));
        if (content.length < 512) continue;
        writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
        const best = {
          params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
        };
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content, best));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), firstPaint(), packed()],
  build: {
    outDir: "../src/ostinato/server/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "es2023",
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [{ name: "shell", test: SHELL }] },
        // Short, for the shell names all of them.
        chunkFileNames: "assets/[hash].js",
        assetFileNames: ({ names }) =>
          names.some((name) => name.endsWith(".css")) ? "assets/[hash].css" : "assets/[name]-[hash][extname]",
      },
    },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 500,
  },
  worker: { format: "es" },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ["/api", "/health", "/metrics", "/openapi.json", "/frames"].map((path) => [path, server]),
    ),
  },
});
