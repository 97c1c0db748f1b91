/** What is kept in the browser. A browser that refuses storage (private mode) gets memory for the visit instead. */
export interface KeyValue {
  read(key: string): string | null;
  write(key: string, value: string): void;
  remove(key: string): void;
  keys(prefix: string): string[];
}

export function memoryStorage(): KeyValue {
  const values = new Map<string, string>();
  return {
    read: (key) => values.get(key) ?? null,
    write: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
    keys: (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)).sort(),
  };
}

export function browserStorage(storage: Storage | undefined = safeLocalStorage()): KeyValue {
  const memory = memoryStorage();
  if (storage === undefined) return memory;
  return {
    read: (key) => memory.read(key) ?? storage.getItem(key),
    write(key, value) {
      try {
        storage.setItem(key, value);
        memory.remove(key);
      } catch {
        memory.write(key, value); // The quota is spent: keep it for this visit at least.
      }
    },
    remove(key) {
      memory.remove(key);
      storage.removeItem(key);
    },
    keys(prefix) {
      const stored = Array.from({ length: storage.length }, (_, index) => storage.key(index));
      const mine = stored.filter((key): key is string => key?.startsWith(prefix) ?? false);
      return [...new Set([...mine, ...memory.keys(prefix)])].sort();
    },
  };
}

export function readJson(storage: KeyValue, key: string): unknown {
  const text = storage.read(key);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function safeLocalStorage(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}
