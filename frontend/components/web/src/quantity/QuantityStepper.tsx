import { Minus, Plus } from "lucide-react";

import { SpokenOnly } from "../states/labels.tsx";
import styles from "./QuantityStepper.module.css";

interface Props {
  title: string;
  quantity: number;
  max: number;
  onChange: (quantity: number) => void;
}

export function QuantityStepper({ title, quantity, max, onChange }: Props) {
  return (
    <div className={styles.stepper} role="group" aria-label={`Quantity of ${title}`}>
      <button type="button" disabled={quantity <= 1} onClick={() => { onChange(quantity - 1); }}>
        <Minus size={16} aria-hidden="true" />
        <SpokenOnly>One fewer</SpokenOnly>
      </button>
      <output aria-live="polite">{quantity}</output>
      <button type="button" disabled={quantity >= max} onClick={() => { onChange(quantity + 1); }}>
        <Plus size={16} aria-hidden="true" />
        <SpokenOnly>One more</SpokenOnly>
      </button>
    </div>
  );
}
