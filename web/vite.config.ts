import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const api = process.env.TOCSIN_API ?? "http://127.0.0.1:8001";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: process.env.TOCSIN_WEB_OUT ?? "../src/tocsin/api/static",
    emptyOutDir: true,
    target: "es2022",
    // A data: address would need an exception in the content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { port: 5173, proxy: { "/api": { target: api } } },
  // Vitest reads this block; the unit tests are logic only and need no browser.
  ...{ test: { environment: "happy-dom", include: ["src/**/*.test.ts"] } },
});
