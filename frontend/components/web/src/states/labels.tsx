import type { ReactNode } from "react";

import styles from "./labels.module.css";

/** Text for those who listen to the page instead of looking at it. */
export function SpokenOnly({ children }: { children: ReactNode }) {
  return <span className={styles.spoken}>{children}</span>;
}
