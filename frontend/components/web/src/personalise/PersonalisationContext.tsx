import { createContext, lazy, Suspense, use, useState, type ReactNode } from "react";

const PersonalisationDialog = lazy(async () => ({ default: (await import("./PersonalisationDialog.tsx")).PersonalisationDialog }));

const OpenContext = createContext<() => void>(() => undefined);

export function PersonalisationProvider({ children }: { children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const [wasAsked, setAsked] = useState(false);
  const open = () => {
    setAsked(true);
    setOpen(true);
  };
  return (
    <OpenContext value={open}>
      {children}
      {wasAsked ? <Suspense fallback={null}><PersonalisationDialog isOpen={isOpen} onClose={() => { setOpen(false); }} /></Suspense> : null}
    </OpenContext>
  );
}

export function useOpenPersonalisation(): () => void {
  return use(OpenContext);
}
