import { useLayoutEffect, useRef, type RefObject } from "react";

const MOVE_MS = 520;
const EASE = "cubic-bezier(0.2, 0.7, 0.2, 1)";

/**
 * Lets the children of a list travel to their new places when the order changes (FLIP: first, last, invert, play).
 * Children are told apart by `data-flip`. Does nothing for shoppers who asked for less motion.
 */
export function useFlip(list: RefObject<HTMLElement | null>, order: string): void {
  const places = useRef(new Map<string, DOMRect>());
  useLayoutEffect(() => {
    const before = places.current;
    const children = [...(list.current?.querySelectorAll<HTMLElement>(":scope > [data-flip]") ?? [])];
    const after = new Map(children.map((child) => [child.dataset.flip ?? "", placeOf(child)]));
    places.current = after;
    if (before.size === 0 || prefersStillness()) return;
    for (const child of children) play(child, before.get(child.dataset.flip ?? ""), after.get(child.dataset.flip ?? ""));
  }, [list, order]);
}

/** Within the list, so that scrolling the page or the row is not taken for movement. */
function placeOf(child: HTMLElement): DOMRect {
  return new DOMRect(child.offsetLeft, child.offsetTop, child.offsetWidth, child.offsetHeight);
}

function play(child: HTMLElement, first: DOMRect | undefined, last: DOMRect | undefined): void {
  if (typeof child.animate !== "function" || last === undefined) return;
  if (first === undefined) {
    child.animate([{ opacity: 0, transform: "scale(0.94)" }, { opacity: 1, transform: "none" }], { duration: MOVE_MS, easing: EASE });
    return;
  }
  const x = first.x - last.x;
  const y = first.y - last.y;
  if (x === 0 && y === 0) return;
  child.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: MOVE_MS, easing: EASE });
}

function prefersStillness(): boolean {
  return typeof matchMedia === "function" && matchMedia("(prefers-reduced-motion: reduce)").matches;
}
