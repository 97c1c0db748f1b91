import button from "../button/Button.module.css";
import { Sheet } from "../dialog/Sheet.tsx";
import { Facets } from "./Facets.tsx";

interface Props {
  isOpen: boolean;
  onClose: () => void;
}

export function FacetDialog({ isOpen, onClose, ...facets }: Props & Parameters<typeof Facets>[0]) {
  return (
    <Sheet title="Filters" isOpen={isOpen} onClose={onClose}>
      <Facets {...facets} />
      <p><button type="button" className={button.button} onClick={onClose}>Show products</button></p>
    </Sheet>
  );
}
