import { SlidersHorizontal } from "lucide-react";
import { lazy, Suspense, useState } from "react";

import button from "../button/Button.module.css";
import type { Facets } from "./Facets.tsx";
import styles from "./ListingControls.module.css";

/** Phones only: most shoppers never open it, so the dialog is fetched when one does. */
const FacetDialog = lazy(async () => ({ default: (await import("./FacetDialog.tsx")).FacetDialog }));

export function FacetSheet(props: Parameters<typeof Facets>[0]) {
  const [isOpen, setOpen] = useState(false);
  const [wasOpened, setOpened] = useState(false);
  const open = () => {
    setOpened(true);
    setOpen(true);
  };
  return (
    <div className={styles.narrow}>
      <button type="button" className={button.quiet} onClick={open}>
        <SlidersHorizontal size={17} aria-hidden="true" />
        Filters
      </button>
      {wasOpened ? <Suspense fallback={null}><FacetDialog {...props} isOpen={isOpen} onClose={() => { setOpen(false); }} /></Suspense> : null}
    </div>
  );
}
