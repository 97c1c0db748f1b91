import { useEffect, useState } from "react";

import type { ShownSlate } from "@smartshop/hooks/slates/liveSlates.ts";

/** Long enough to recognise the row, short enough not to reach for a card that is about to move. */
const RECOGNISED_MS = 450;

/** What each place last looked like, so that coming back shows what changed meanwhile, as a movement. */
const lastShown = new Map<string, ShownSlate>();

export interface Settled {
  slate: ShownSlate | null;
  /** True once the row changed before the shopper's eyes. */
  hasMoved: boolean;
}

export function useSettled(place: string, slate: ShownSlate | null): Settled {
  const [first] = useState(() => lastShown.get(place) ?? null);
  const [isRecognised, setRecognised] = useState(first === null);
  const [firstRevision, setFirstRevision] = useState<number | null>(first?.revision ?? null);
  useEffect(() => {
    if (isRecognised) return undefined;
    const timer = setTimeout(() => { setRecognised(true); }, RECOGNISED_MS);
    return () => { clearTimeout(timer); };
  }, [isRecognised]);
  if (firstRevision === null && slate !== null) setFirstRevision(slate.revision);
  const isStillTheirs = slate !== null && first !== null && first.revision <= slate.revision;
  const shown = !isRecognised && isStillTheirs ? first : slate;
  useEffect(() => {
    if (shown !== null) lastShown.set(place, shown);
  }, [place, shown]);
  return { slate: shown, hasMoved: shown !== null && firstRevision !== null && shown.revision > firstRevision };
}
