/// <reference types="vitest/config" />
import { defineConfig } from "vite";

// Pages live under /explorer/ of the oracle, beside its API: the browser asks no other origin for anything.
export default defineConfig({
  base: "/explorer/",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    // The preload shim injects inline code into the page, which its content security policy forbids.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/v1": "http://127.0.0.1:4180", "/explorer/market.json": "http://127.0.0.1:4180" } },
  test: {
    include: [`test/${process.env.SUITE ?? "unit"}/**/*.test.ts`],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
