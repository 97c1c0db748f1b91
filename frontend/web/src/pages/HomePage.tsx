import { Link } from "react-router";

import { categoryHref, departmentOf } from "@smartshop/hooks/catalogue/category.ts";
import { useProduct } from "@smartshop/hooks/catalogue/products.ts";
import { childrenOf, useCategories } from "@smartshop/hooks/catalogue/search.ts";
import { useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";
import { useBuyAgain, useSimilar, useSlate, useTrending } from "@smartshop/hooks/slates/useSlate.ts";
import { useMemory } from "@smartshop/hooks/storage/useMemory.ts";
import { useShownSlate } from "@smartshop/hooks/tracking/useSeen.ts";
import { productHref } from "@smartshop/components-web/card/productWords.ts";
import { CardRow } from "@smartshop/components-web/row/CardRow.tsx";
import rowStyles from "@smartshop/components-web/row/CardRow.module.css";
import { HomeLead } from "@smartshop/components-web/row/HomeLead.tsx";
import { SlateRow, slateEntry } from "@smartshop/components-web/row/SlateRow.tsx";
import { UpdatedNote } from "@smartshop/components-web/row/UpdatedNote.tsx";
import { useSettled } from "@smartshop/components-web/row/useSettled.ts";
import { useSlateCards } from "@smartshop/components-web/row/useSlateCards.ts";
import { SpokenOnly } from "@smartshop/components-web/states/labels.tsx";
import { BlockSkeleton, CardSkeletons, EmptyState, ErrorState, Loading } from "@smartshop/components-web/states/States.tsx";

import { useTitle } from "../parts/useTitle.ts";

/** One lead and two full rows of four. */
const HOME_LIMIT = 9;
const ROW_LIMIT = 12;

export function HomePage() {
  const { shop_name } = useStorefront();
  useTitle(null);
  return (
    <>
      <h1><SpokenOnly>{shop_name}: picked for you</SpokenOnly></h1>
      <ForYou />
      <BecauseYouLookedAt />
      <Trending />
      <BuyAgain />
    </>
  );
}

function ForYou() {
  const live = useSlate({ surface: "home", limit: HOME_LIMIT });
  const { slate, hasMoved } = useSettled("home", live.slate);
  const { cards, shown, isLoading } = useSlateCards(slate);
  useShownSlate(shown, cards.length);
  const [lead, ...rest] = cards;
  if (live.error !== null && slate === null) {
    return <ErrorState what="The shop window could not be filled" error={live.error} onRetry={live.retry} />;
  }
  if (lead === undefined && (slate === null || isLoading)) return <HomeSkeleton />;
  if (lead === undefined) {
    return (
      <EmptyState title="The shelves are being filled" action={<Link to="/search">See the whole catalogue</Link>}>
        <p>There is nothing to recommend yet. As soon as there are products, the best for you stand here.</p>
      </EmptyState>
    );
  }
  const note = <UpdatedNote hasMoved={hasMoved} revision={slate?.revision ?? 0} otherwise="It changes with what you look at. Every card says why it is here." />;
  return (
    <>
      <HomeLead card={lead} />
      <CardRow title="For you" note={note} layout="grid" place="home" entries={rest.map(slateEntry)} />
    </>
  );
}

function BecauseYouLookedAt() {
  const lastViewed = useMemory().lastViewed();
  const { slate, isPending } = useSimilar(lastViewed, ROW_LIMIT);
  const { data: product } = useProduct(lastViewed ?? "");
  if (lastViewed === null || !product) return null;
  const title = <>Because you looked at <Link to={productHref(lastViewed)}>{product.title}</Link></>;
  return <SlateRow title={title} slate={slate} isPending={isPending} place="because" />;
}

function Trending() {
  const lastViewed = useMemory().lastViewed();
  const { data: product } = useProduct(lastViewed ?? "");
  const { data: categories } = useCategories();
  const department = departmentOf(product?.category) ?? childrenOf(categories ?? [], null)[0]?.category ?? null;
  const { slate, isPending } = useTrending(department, ROW_LIMIT);
  if (department === null) return null;
  const title = <>Trending in <Link to={categoryHref(department)}>{department}</Link></>;
  return <SlateRow title={title} slate={slate} isPending={isPending} place="trending" />;
}

function BuyAgain() {
  const hasOrdered = useMemory().orders().length > 0;
  const { slate } = useBuyAgain(hasOrdered, ROW_LIMIT);
  return <SlateRow title="Buy again" slate={slate} isPending={false} place="buy-again" fewest={1} />;
}

function HomeSkeleton() {
  return (
    <>
      <Loading what="what we picked for you" />
      <BlockSkeleton height="clamp(24rem, 40vw, 36rem)" />
      <section className={rowStyles.section} aria-hidden="true">
        <CardSkeletons count={8} className={rowStyles.grid} />
      </section>
    </>
  );
}
