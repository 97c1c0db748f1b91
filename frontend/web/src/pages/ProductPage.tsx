import { useEffect } from "react";
import { Link, useLocation, useParams } from "react-router";

import type { Product } from "@smartshop/hooks/api/shapes.ts";
import { useProduct, useWatchedProducts } from "@smartshop/hooks/catalogue/products.ts";
import { useShop } from "@smartshop/hooks/shop/ShopProvider.tsx";
import { useSimilar, useSlate } from "@smartshop/hooks/slates/useSlate.ts";
import { useDwell } from "@smartshop/hooks/tracking/useDwell.ts";
import type { Origin } from "@smartshop/hooks/tracking/tracker.ts";
import { BoughtTogether } from "@smartshop/components-web/buying/BoughtTogether.tsx";
import { BuyBox } from "@smartshop/components-web/buying/BuyBox.tsx";
import { ProductFacts } from "@smartshop/components-web/buying/ProductFacts.tsx";
import { Crumbs } from "@smartshop/components-web/chrome/Crumbs.tsx";
import { ProductPicture } from "@smartshop/components-web/picture/ProductPicture.tsx";
import { SlateRow } from "@smartshop/components-web/row/SlateRow.tsx";
import { UpdatedNote } from "@smartshop/components-web/row/UpdatedNote.tsx";
import { useSettled } from "@smartshop/components-web/row/useSettled.ts";
import { BlockSkeleton, EmptyState, ErrorState, Loading } from "@smartshop/components-web/states/States.tsx";

import { useTitle } from "../parts/useTitle.ts";
import { originFrom } from "../parts/origin.ts";
import styles from "./ProductPage.module.css";

const ROW_LIMIT = 12;

export function ProductPage() {
  const { productId = "" } = useParams();
  const { state } = useLocation() as { state: unknown };
  const { data: product, isPending, error, refetch } = useProduct(productId);
  useTitle(product?.title ?? null);
  if (isPending) return <ProductSkeleton />;
  if (error !== null) return <ErrorState what="This product could not be fetched" error={error} onRetry={() => void refetch()} />;
  if (product === null) return <NoSuchProduct />;
  return <ProductView key={product.product_id} product={product} origin={originFrom(state)} />;
}

function ProductView({ product, origin }: { product: Product; origin: Origin }) {
  const id = product.product_id;
  useViewed(id, origin);
  useDwell(id, origin);
  useWatchedProducts([id]);
  return (
    <>
      {product.category ? <Crumbs category={product.category} isWhole /> : null}
      <div className={styles.product}>
        <div className={styles.picture}>
          <ProductPicture title={product.title} url={product.image_url} isFirst isDecorative={false} />
        </div>
        <div className={styles.details}>
          <BuyBox product={product} origin={origin} />
          <ProductFacts product={product} />
        </div>
      </div>
      {product.in_stock ? (
        <>
          <BoughtTogether product={product} />
          <Similar productId={id} />
          <ForYouHere productId={id} />
        </>
      ) : <InsteadOf product={product} />}
    </>
  );
}

function Similar({ productId }: { productId: string }) {
  const { slate, isPending } = useSimilar(productId, ROW_LIMIT);
  return <SlateRow title="Similar products" slate={slate} isPending={isPending} place="similar" />;
}

/** What stands in for a product that is sold out, in this shopper's order; back again by itself once there is one. */
function InsteadOf({ product }: { product: Product }) {
  const id = product.product_id;
  const live = useSlate({ surface: "product", product_id: id, limit: ROW_LIMIT });
  const { slate, hasMoved } = useSettled(`instead of ${id}`, live.slate);
  const note = <UpdatedNote hasMoved={hasMoved} revision={slate?.revision ?? 0} otherwise="Close to it, and here now." />;
  return (
    <SlateRow
      title={`${product.title} is sold out. You could take`}
      note={note}
      slate={slate}
      isPending={slate === null && live.error === null}
      place="instead"
      fewest={1}
    />
  );
}

function ForYouHere({ productId }: { productId: string }) {
  const live = useSlate({ surface: "product", product_id: productId, limit: ROW_LIMIT });
  const { slate, hasMoved } = useSettled(`product ${productId}`, live.slate);
  const note = <UpdatedNote hasMoved={hasMoved} revision={slate?.revision ?? 0} otherwise="Chosen for you beside this product." />;
  return <SlateRow title="More for you" note={note} slate={slate} isPending={slate === null && live.error === null} place="product" />;
}

/** One view per visit of the page. Where it came from is said with it. */
function useViewed(productId: string, origin: Origin): void {
  const { tracker, memory } = useShop();
  const { key } = useLocation();
  const from = JSON.stringify(origin);
  useEffect(() => {
    tracker.track("product_viewed", { ...(JSON.parse(from) as Origin), product_id: productId });
    memory.rememberViewed(productId);
  }, [tracker, memory, productId, key, from]);
}

function NoSuchProduct() {
  return (
    <EmptyState title="We do not have this product" headingLevel={1} action={<Link to="/search">See the whole catalogue</Link>}>
      <p>It may have left the range. The departments above hold what is there today.</p>
    </EmptyState>
  );
}

function ProductSkeleton() {
  return (
    <>
      <Loading what="the product" />
      <div className={styles.product}>
        <BlockSkeleton height="min(36rem, 90vw)" />
        <div className={styles.details}>
          <BlockSkeleton height="4rem" />
          <BlockSkeleton height="10rem" />
        </div>
      </div>
    </>
  );
}
