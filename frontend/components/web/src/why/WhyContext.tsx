import { createContext, lazy, Suspense, use, useCallback, useState, type ReactNode } from "react";

import type { Product, SlateItem } from "@smartshop/hooks/api/shapes.ts";

/** The dialog and its library are fetched when somebody first asks why. */
const WhyDialog = lazy(async () => ({ default: (await import("./WhyDialog.tsx")).WhyDialog }));

export interface WhyQuestion {
  item: SlateItem;
  product: Product;
  decisionId: string;
  surface: string;
}

const WhyContext = createContext<(question: WhyQuestion) => void>(() => undefined);

export function WhyProvider({ children }: { children: ReactNode }) {
  const [question, setQuestion] = useState<WhyQuestion | null>(null);
  const [isOpen, setOpen] = useState(false);
  const ask = useCallback((asked: WhyQuestion) => {
    setQuestion(asked);
    setOpen(true);
  }, []);
  return (
    <WhyContext value={ask}>
      {children}
      {question === null ? null : (
        <Suspense fallback={null}>
          <WhyDialog question={question} isOpen={isOpen} onClose={() => { setOpen(false); }} />
        </Suspense>
      )}
    </WhyContext>
  );
}

export function useWhy(): (question: WhyQuestion) => void {
  return use(WhyContext);
}
