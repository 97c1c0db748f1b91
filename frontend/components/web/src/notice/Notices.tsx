import { X } from "lucide-react";
import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";

import button from "../button/Button.module.css";
import styles from "./Notices.module.css";

const SHOWN_MS = 6_000;

interface Notice {
  id: number;
  text: string;
  action: ReactNode;
}

type Tell = (text: string, action?: ReactNode) => void;

const NoticeContext = createContext<Tell>(() => undefined);

/** One short notice at a time, also spoken; it goes by itself. */
export function NoticeProvider({ children }: { children: ReactNode }) {
  const [notice, setNotice] = useState<Notice | null>(null);
  const tell = useCallback<Tell>((text, action = null) => {
    setNotice((shown) => ({ id: (shown?.id ?? 0) + 1, text, action }));
  }, []);
  useEffect(() => {
    if (notice === null) return undefined;
    const timer = setTimeout(() => { setNotice(null); }, SHOWN_MS);
    return () => { clearTimeout(timer); };
  }, [notice]);
  const close = useMemo(() => () => { setNotice(null); }, []);
  return (
    <NoticeContext value={tell}>
      {children}
      <div className={styles.place} role="status">
        {notice === null ? null : (
          <div key={notice.id} className={styles.notice}>
            <p>{notice.text}</p>
            {notice.action}
            <button type="button" className={styles.close} onClick={close} aria-label="Close this notice">
              <X size={18} aria-hidden="true" />
            </button>
          </div>
        )}
      </div>
    </NoticeContext>
  );
}

export function useNotice(): Tell {
  return use(NoticeContext);
}

export const noticeLink = button.text;
