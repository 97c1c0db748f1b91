import "@smartshop/tokens/tokens.css";
import "./fonts.css";
import "./global.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createShop } from "@smartshop/hooks/shop/shop.ts";
import { browserStorage } from "@smartshop/hooks/storage/keyValue.ts";

import { App } from "./App.tsx";

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no element with the id 'root'.");
createRoot(root).render(
  <StrictMode>
    <App shop={createShop(window, browserStorage())} />
  </StrictMode>,
);
