import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { BrowserRouter } from "react-router";

import { ProblemError } from "@smartshop/hooks/api/problem.ts";
import { ShopProvider } from "@smartshop/hooks/shop/ShopProvider.tsx";
import type { Shop } from "@smartshop/hooks/shop/shop.ts";

import { ErrorBoundary } from "./parts/ErrorBoundary.tsx";
import { Frame } from "./parts/Frame.tsx";

const TRIES = 2;

export function App({ shop }: { shop: Shop }) {
  const [queries] = useState(createQueries);
  return (
    <ErrorBoundary>
      <QueryClientProvider client={queries}>
        <ShopProvider shop={shop}>
          {/* Without transitions a tick or a sort shows at once, not when its products have come. */}
          <BrowserRouter useTransitions={false}>
            <Frame />
          </BrowserRouter>
        </ShopProvider>
      </QueryClientProvider>
    </ErrorBoundary>
  );
}

function createQueries(): QueryClient {
  return new QueryClient({ defaultOptions: { queries: { retry: isWorthRetrying, refetchOnWindowFocus: false } } });
}

/** A refusal stays a refusal; overload and a lost line may pass. */
export function isWorthRetrying(failures: number, error: Error): boolean {
  if (failures >= TRIES) return false;
  return !(error instanceof ProblemError) || error.status === 429 || error.status >= 500;
}
