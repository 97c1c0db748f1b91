import { useProducts } from "@smartshop/hooks/catalogue/products.ts";
import { useShop } from "@smartshop/hooks/shop/ShopProvider.tsx";

import button from "../button/Button.module.css";
import { Sheet } from "../dialog/Sheet.tsx";
import { useNotice } from "../notice/Notices.tsx";
import { ProductPicture } from "../picture/ProductPicture.tsx";
import { SpokenOnly } from "../states/labels.tsx";
import styles from "./WhyDialog.module.css";
import type { WhyQuestion } from "./WhyContext.tsx";
import { argumentsFor, chanceInWords, evidenceLines, reasonText, type Argument, type EvidenceLine } from "./words.ts";

interface Props {
  question: WhyQuestion;
  isOpen: boolean;
  onClose: () => void;
}

/** "Why am I seeing this?": the reason, its evidence, who argued for it and how strongly, and how much was chance. */
export function WhyDialog({ question, isOpen, onClose }: Props) {
  const { item, product } = question;
  const reasons = argumentsFor(item);
  const adjustments = item.adjustments ?? [];
  return (
    <Sheet title="Why am I seeing this?" isOpen={isOpen} onClose={onClose}>
      <div className={styles.subject}>
        <span className={styles.picture}><ProductPicture title={product.title} url={product.image_url} /></span>
        <div>
          <p className={styles.name}>{product.title}</p>
          <p className={styles.reason}>{reasonText(item)}</p>
        </div>
      </div>
      <Evidence lines={evidenceLines(item.reason?.evidence ?? {})} />
      {reasons.length === 0 ? null : (
        <section aria-labelledby="why-arguments">
          <h3 id="why-arguments" className={styles.heading}>What spoke for and against it</h3>
          <ul className={styles.bars}>
            {reasons.map((reason) => <Bar key={reason.advisor} reason={reason} strongest={Math.abs(reasons[0]?.strength ?? 1)} />)}
          </ul>
        </section>
      )}
      <section aria-labelledby="why-chance">
        <h3 id="why-chance" className={styles.heading}>How much was chance</h3>
        <p className={styles.chance}>{chanceInWords(item.propensity)}</p>
        {adjustments.length === 0 ? null : (
          <ul className={styles.adjustments}>
            {adjustments.map(({ rule, text }) => <li key={`${rule} ${text}`}>{text}</li>)}
          </ul>
        )}
      </section>
      <LessLikeThis question={question} onDone={onClose} />
    </Sheet>
  );
}

function Evidence({ lines }: { lines: EvidenceLine[] }) {
  const { products } = useProducts([...new Set(lines.flatMap(({ productIds }) => productIds))]);
  if (lines.length === 0) return null;
  return (
    <section aria-labelledby="why-evidence">
      <h3 id="why-evidence" className={styles.heading}>What we base it on</h3>
      <dl className={styles.evidence}>
        {lines.map(({ label, value, productIds }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{productIds.length === 0 ? value : productIds.map((id) => products.get(id)?.title ?? id).join(", ")}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Bar({ reason, strongest }: { reason: Argument; strongest: number }) {
  const share = Math.max(2, (Math.abs(reason.strength) / strongest) * 50);
  const side = reason.strength < 0 ? { right: "50%" } : { left: "50%" };
  return (
    <li className={styles.bar}>
      <span>{reason.words}</span>
      <span className={styles.strength}>
        <SpokenOnly>{reason.strength < 0 ? "speaks against it: " : "speaks for it: "}</SpokenOnly>
        {reason.signed}
      </span>
      <span className={styles.track} aria-hidden="true">
        <span className={styles.fill} data-against={reason.strength < 0} style={{ width: `${share}%`, ...side }} />
      </span>
    </li>
  );
}

function LessLikeThis({ question, onDone }: { question: WhyQuestion; onDone: () => void }) {
  const { tracker, memory } = useShop();
  const tell = useNotice();
  const { item, product, decisionId, surface } = question;
  const dismiss = () => {
    tracker.track("item_dismissed", { product_id: product.product_id, decision_id: decisionId, surface, position: item.position });
    memory.dismiss(product.product_id);
    tell(`Noted: less like ${product.title}.`);
    onDone();
  };
  return (
    <div className={styles.actions}>
      <button type="button" className={button.quiet} onClick={dismiss}>Less like this</button>
      <p>We take it off your rows and show fewer of its kind.</p>
    </div>
  );
}
