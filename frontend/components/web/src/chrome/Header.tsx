import { Search, ShoppingBag } from "lucide-react";
import { useRef, type SyntheticEvent } from "react";
import { Link, NavLink, useNavigate, useSearchParams } from "react-router";

import { countUnits } from "@smartshop/hooks/basket/basket.ts";
import { useBasketLines } from "@smartshop/hooks/basket/useBasket.ts";
import { categoryHref } from "@smartshop/hooks/catalogue/category.ts";
import { childrenOf, useCategories } from "@smartshop/hooks/catalogue/search.ts";
import { useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";

import { SpokenOnly } from "../states/labels.tsx";
import styles from "./Header.module.css";

export function Header() {
  const { shop_name } = useStorefront();
  return (
    <header className={styles.header}>
      <a className={styles.skip} href="#content">Skip to content</a>
      <div className={styles.bar}>
        <Link className={styles.wordmark} to="/">{shop_name}<span aria-hidden="true">.</span></Link>
        <SearchBox />
        <BasketLink />
      </div>
      <Departments />
    </header>
  );
}

function SearchBox() {
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const field = useRef<HTMLInputElement>(null);
  const asked = search.get("q") ?? "";
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const query = field.current?.value.trim() ?? "";
    if (query !== "") void navigate(`/search?${new URLSearchParams({ q: query }).toString()}`);
    field.current?.blur();
  };
  return (
    <form className={styles.search} role="search" onSubmit={submit} action="/search">
      <Search size={18} aria-hidden="true" />
      <label>
        <SpokenOnly>Search the shop</SpokenOnly>
        <input ref={field} key={asked} type="search" name="q" defaultValue={asked} placeholder="Search the shop" maxLength={200} enterKeyHint="search" />
      </label>
    </form>
  );
}

function BasketLink() {
  const units = countUnits(useBasketLines());
  return (
    <Link className={styles.basket} to="/basket">
      <ShoppingBag size={20} aria-hidden="true" />
      <span>Basket</span>
      <span key={units} className={styles.count} data-empty={units === 0}>
        {units}
        <SpokenOnly>{units === 1 ? " product" : " products"}</SpokenOnly>
      </span>
    </Link>
  );
}

function Departments() {
  const { data } = useCategories();
  const departments = childrenOf(data ?? [], null);
  // While they are fetched the band keeps its height; a shop without categories has none.
  if (data !== undefined && departments.length === 0) return null;
  return (
    <nav className={styles.departments} aria-label="Departments">
      <ul>
        {departments.map(({ category, name }) => (
          <li key={category}><NavLink to={categoryHref(category)}>{name}</NavLink></li>
        ))}
      </ul>
    </nav>
  );
}
