import { Bell, BellOff } from "lucide-react";

import { useWait } from "@smartshop/hooks/waits/useWait.ts";

import button from "../button/Button.module.css";
import styles from "./TellMe.module.css";

/** Beside what is sold out: be told on this shop's pages when it is back. */
export function TellMe({ itemId }: { itemId: string }) {
  const { isWaiting, isBusy, error, toggle } = useWait(itemId);
  return (
    <div className={styles.place}>
      <button type="button" className={button.quiet} disabled={isBusy} onClick={toggle}>
        {isWaiting ? <BellOff size={18} aria-hidden="true" /> : <Bell size={18} aria-hidden="true" />}
        {isWaiting ? "Do not tell me any more" : "Tell me when it is back"}
      </button>
      <p className={styles.words} role="status">
        {error !== null ? error.message : isWaiting ? "We tell you here as soon as it is back, in the order of asking." : null}
      </p>
    </div>
  );
}
