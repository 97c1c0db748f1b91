import { lazy, Suspense, useEffect } from "react";
import { Route, Routes } from "react-router";

import { Footer } from "@smartshop/components-web/chrome/Footer.tsx";
import { Header } from "@smartshop/components-web/chrome/Header.tsx";
import { BackInStock } from "@smartshop/components-web/notice/BackInStock.tsx";
import { NoticeProvider } from "@smartshop/components-web/notice/Notices.tsx";
import { PersonalisationProvider } from "@smartshop/components-web/personalise/PersonalisationContext.tsx";
import { BlockSkeleton, Loading } from "@smartshop/components-web/states/States.tsx";
import { WhyProvider } from "@smartshop/components-web/why/WhyContext.tsx";

import { HomePage } from "../pages/HomePage.tsx";
import { NotFoundPage } from "../pages/NotFoundPage.tsx";
import { PageMove } from "./PageMove.tsx";

const importListing = async () => ({ default: (await import("../pages/ListingPage.tsx")).ListingPage });
const importProduct = async () => ({ default: (await import("../pages/ProductPage.tsx")).ProductPage });
const ListingPage = lazy(importListing);
const ProductPage = lazy(importProduct);
const BasketPage = lazy(async () => ({ default: (await import("../pages/BasketPage.tsx")).BasketPage }));
const CheckoutPage = lazy(async () => ({ default: (await import("../pages/CheckoutPage.tsx")).CheckoutPage }));
const OrderPage = lazy(async () => ({ default: (await import("../pages/OrderPage.tsx")).OrderPage }));

/** The pages that most shoppers open next are fetched once the first one stands. */
const FETCH_NEXT_AFTER_MS = 1_500;

export function Frame() {
  useEffect(() => {
    const timer = setTimeout(() => void Promise.allSettled([importProduct(), importListing()]), FETCH_NEXT_AFTER_MS);
    return () => { clearTimeout(timer); };
  }, []);
  return (
    <Suspense fallback={<Loading what="the shop" />}>
      <NoticeProvider>
        <WhyProvider>
          <PersonalisationProvider>
            <PageMove />
            <BackInStock />
            <Header />
            <main id="content" tabIndex={-1}>
              <Suspense fallback={<PageSkeleton />}>
                <Pages />
              </Suspense>
            </main>
            <Footer />
          </PersonalisationProvider>
        </WhyProvider>
      </NoticeProvider>
    </Suspense>
  );
}

function Pages() {
  return (
    <Routes>
      <Route path="/" element={<HomePage />} />
      <Route path="/shop/*" element={<ListingPage />} />
      <Route path="/search" element={<ListingPage />} />
      <Route path="/product/:productId" element={<ProductPage />} />
      <Route path="/basket" element={<BasketPage />} />
      <Route path="/checkout" element={<CheckoutPage />} />
      <Route path="/order/:orderId" element={<OrderPage />} />
      <Route path="*" element={<NotFoundPage />} />
    </Routes>
  );
}

function PageSkeleton() {
  return (
    <>
      <Loading what="the page" />
      <BlockSkeleton height="36rem" />
    </>
  );
}
