import { useEffect, useLayoutEffect, useRef } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";

/** Where each page of the visit was scrolled to, by history entry. */
const positions = new Map<string, number>();
/** A page that is gone back to may still be loading: try for this long to reach the old place. */
const REACH_FOR_MS = 1_200;

/** A new page starts at its top with the focus on its content; going back returns to where one was. */
export function PageMove() {
  const { key, pathname } = useLocation();
  const movement = useNavigationType();
  const isFirst = useRef(true);

  // Before the page is drawn: the scrolling that the new page causes must not be taken for the old one's.
  useLayoutEffect(() => {
    window.history.scrollRestoration = "manual";
    const remember = () => { positions.set(key, window.scrollY); };
    window.addEventListener("scroll", remember, { passive: true });
    return () => { window.removeEventListener("scroll", remember); };
  }, [key]);

  useLayoutEffect(() => {
    if (movement === NavigationType.Pop) return reach(positions.get(key) ?? 0);
    if (movement === NavigationType.Push) window.scrollTo(0, 0);
    return undefined;
  }, [key, movement]);

  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    document.getElementById("content")?.focus({ preventScroll: true });
  }, [pathname]);

  return null;
}

function reach(target: number): () => void {
  const until = performance.now() + REACH_FOR_MS;
  let frame = 0;
  const step = () => {
    window.scrollTo(0, target);
    const isThere = Math.abs(window.scrollY - target) < 2;
    if (!isThere && performance.now() < until) frame = requestAnimationFrame(step);
  };
  step();
  return () => { cancelAnimationFrame(frame); };
}
