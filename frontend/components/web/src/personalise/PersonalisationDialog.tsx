import { useQueryClient } from "@tanstack/react-query";
import { useId } from "react";

import { useShop } from "@smartshop/hooks/shop/ShopProvider.tsx";
import { useMemory } from "@smartshop/hooks/storage/useMemory.ts";

import button from "../button/Button.module.css";
import { Sheet } from "../dialog/Sheet.tsx";
import { useNotice } from "../notice/Notices.tsx";
import styles from "./PersonalisationDialog.module.css";

interface Props {
  isOpen: boolean;
  onClose: () => void;
}

/** How the shop chooses what it shows, and the two things a shopper can do about it. */
export function PersonalisationDialog({ isOpen, onClose }: Props) {
  const { tracker, forgetMe } = useShop();
  const memory = useMemory();
  const queries = useQueryClient();
  const tell = useNotice();
  const switchId = useId();
  const isWanted = memory.personalisationChoice() ?? true;
  const choose = (wanted: boolean) => {
    memory.choosePersonalisation(wanted);
    tracker.track("consent_changed", { consent: { personalisation: wanted } });
    void queries.invalidateQueries({ queryKey: ["slate"] });
  };
  const forget = () => {
    forgetMe();
    void queries.resetQueries({ queryKey: ["slate"] });
    tell("Done. To this shop you are somebody new.");
    onClose();
  };
  return (
    <Sheet title="How this shop personalises" isOpen={isOpen} onClose={onClose}>
      <p className={styles.words}>
        Several advisors look at what you open, add and buy here, and argue about what to show you next. Every recommended product
        says who argued for it: press “Why?” beside it. You have no account; this browser is known by a random number.
      </p>
      <div className={styles.choice}>
        <label htmlFor={switchId}>
          <strong>Use what I do here to choose what I see</strong>
          <span>Without it you see what suits the season, the page and most people.</span>
        </label>
        <input
          id={switchId}
          type="checkbox"
          role="switch"
          checked={isWanted}
          onChange={(event) => { choose(event.target.checked); }}
        />
      </div>
      <div className={styles.choice}>
        <div>
          <strong>Forget me</strong>
          <span>You get a new random number. What was seen under the old one is no longer connected with this browser.</span>
        </div>
        <button type="button" className={button.quiet} onClick={forget}>Forget me</button>
      </div>
    </Sheet>
  );
}
