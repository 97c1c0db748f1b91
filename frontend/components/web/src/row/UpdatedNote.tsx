import styles from "./UpdatedNote.module.css";

interface Props {
  hasMoved: boolean;
  revision: number;
  otherwise: string;
}

/** Says that a row has just followed the shopper; spoken once per change, politely. */
export function UpdatedNote({ hasMoved, revision, otherwise }: Props) {
  return (
    <p className={styles.note} role="status">
      {hasMoved ? <span key={revision} className={styles.fresh}>Rearranged just now, after what you did</span> : otherwise}
    </p>
  );
}
