import { useState } from "react";

import styles from "./ProductPicture.module.css";

interface Props {
  title: string;
  url: string | null | undefined;
  /** The first picture a shopper sees is fetched before the rest. */
  isFirst?: boolean;
  /** Beside a heading that names it, a picture adds nothing to hear. */
  isDecorative?: boolean;
}

/** A square picture that holds its place while it loads; a product without one gets its initial. */
export function ProductPicture({ title, url, isFirst = false, isDecorative = true }: Props) {
  const [failed, setFailed] = useState<string | null>(null);
  if (!url || failed === url) {
    return (
      <span className={styles.frame} aria-hidden="true">
        <span className={styles.initial}>{title.trim().charAt(0).toUpperCase()}</span>
      </span>
    );
  }
  return (
    <span className={styles.frame}>
      <img
        className={styles.picture}
        src={url}
        alt={isDecorative ? "" : title}
        width={640}
        height={640}
        loading={isFirst ? "eager" : "lazy"}
        fetchPriority={isFirst ? "high" : "auto"}
        decoding="async"
        onError={() => { setFailed(url); }}
      />
    </span>
  );
}
