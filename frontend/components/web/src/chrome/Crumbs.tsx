import { Link } from "react-router";

import { categoryHref, categoryPath, joinCategory } from "@smartshop/hooks/catalogue/category.ts";

import styles from "./Crumbs.module.css";

/** The way from the door to this shelf. `isWhole`: the last step is a link too, as on a product's page. */
export function Crumbs({ category, isWhole = false }: { category: string; isWhole?: boolean }) {
  const path = categoryPath(category);
  return (
    <nav className={styles.crumbs} aria-label="You are here">
      <ol>
        <li><Link to="/">Home</Link></li>
        {path.map((name, index) => {
          const isHere = !isWhole && index === path.length - 1;
          const href = categoryHref(joinCategory(path.slice(0, index + 1)));
          return <li key={href}>{isHere ? <span aria-current="page">{name}</span> : <Link to={href}>{name}</Link>}</li>;
        })}
      </ol>
    </nav>
  );
}
