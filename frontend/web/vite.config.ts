import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const SERVICE = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  build: { outDir: "dist", emptyOutDir: true, target: "es2023" },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/v1": SERVICE,
      "/art": SERVICE,
      "/ws": { target: SERVICE, ws: true },
    },
  },
});
