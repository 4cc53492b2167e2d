import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `WEIR` names the server that `npm run dev` asks, as WEIR=http://127.0.0.1:5841.
const server = process.env.WEIR ?? "http://127.0.0.1:5841";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    // It holds a file that is committed; scripts/finish.mjs removes what is old.
    emptyOutDir: false,
    manifest: true,
    target: "es2022",
    // The page's policy allows no data in fonts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { "/api": server, "/readyz": server, "/livez": server } },
  test: {
    environment: "node",
    include: ["src/**/*.test.{ts,tsx}"],
    // Two cores are shared with the tests of everything else.
    maxWorkers: 2,
  },
});
