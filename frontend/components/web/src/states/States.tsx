import { Link } from "react-router";
import type { ReactNode } from "react";

import button from "../button/Button.module.css";
import styles from "./States.module.css";

interface MessageProps {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** 1 where this is all that the page has to say. */
  headingLevel?: 1 | 2;
}

export function EmptyState({ title, children, action, headingLevel = 2 }: MessageProps) {
  const Heading = headingLevel === 1 ? "h1" : "h2";
  return (
    <div className={styles.message}>
      <Heading>{title}</Heading>
      {children}
      {action ?? <Link className={button.button} to="/">Go to the shop window</Link>}
    </div>
  );
}

interface ErrorProps {
  what: string;
  error: Error;
  onRetry?: () => void;
}

/** What could not be shown, in the service's own sentence, and a way to try again. */
export function ErrorState({ what, error, onRetry }: ErrorProps) {
  return (
    <div className={styles.message} role="alert">
      <h2>{what}</h2>
      <p>{error.message}</p>
      {onRetry ? <button type="button" className={button.quiet} onClick={onRetry}>Try again</button> : null}
    </div>
  );
}

export function CardSkeletons({ count, className }: { count: number; className: string | undefined }) {
  return (
    <div className={className} aria-hidden="true">
      {Array.from({ length: count }, (_, index) => (
        <div key={index} className={styles.card}>
          <span className={styles.block} data-shape="square" />
          <span className={styles.block} data-shape="line" />
          <span className={styles.block} data-shape="short" />
        </div>
      ))}
    </div>
  );
}

export function BlockSkeleton({ height }: { height: string }) {
  return <span className={styles.block} style={{ height }} aria-hidden="true" />;
}

/** Said to those who listen, while skeletons are shown to those who look. */
export function Loading({ what }: { what: string }) {
  return <p className={styles.loading} role="status">Loading {what}…</p>;
}
