import { EmptyState } from "@smartshop/components-web/states/States.tsx";

import { useTitle } from "../parts/useTitle.ts";

export function NotFoundPage() {
  useTitle("Not found");
  return (
    <EmptyState title="There is nothing at this address" headingLevel={1}>
      <p>It may have been sold out for good, or the address has a slip in it. The search above finds what we have.</p>
    </EmptyState>
  );
}
