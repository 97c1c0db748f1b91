import { useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";

import button from "../button/Button.module.css";
import { useOpenPersonalisation } from "../personalise/PersonalisationContext.tsx";
import styles from "./Footer.module.css";

export function Footer() {
  const { shop_name, demo } = useStorefront();
  const open = useOpenPersonalisation();
  return (
    <footer className={styles.footer}>
      <div className={styles.inner}>
        <p className={styles.name}>{shop_name}</p>
        <p>
          {demo ? "A demonstration shop: the products are made up, and no payment is ever taken." : "No payment is taken on this site."}
        </p>
        <button type="button" className={button.text} onClick={open}>How this shop personalises</button>
      </div>
    </footer>
  );
}
