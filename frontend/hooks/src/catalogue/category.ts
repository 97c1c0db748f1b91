/** Category paths: `Garden > Tools > Spades` on the wire, `/shop/Garden/Tools/Spades` in the address bar. */
const SEPARATOR = " > ";

export function categoryPath(category: string): string[] {
  return category.split(">").map((part) => part.trim()).filter((part) => part !== "");
}

export function joinCategory(path: readonly string[]): string {
  return path.join(SEPARATOR);
}

export function categoryHref(category: string): string {
  return `/shop/${categoryPath(category).map(encodeURIComponent).join("/")}`;
}

/** True for the category itself and all that lies below it. */
export function isWithin(category: string, ancestor: string): boolean {
  return category === ancestor || category.startsWith(`${ancestor}${SEPARATOR}`);
}

/** Ticks or unticks a category; a narrower choice takes the place of the wider one that holds it, and the other way round. */
export function toggleCategory(chosen: readonly string[], category: string): string[] {
  if (chosen.includes(category)) return chosen.filter((other) => other !== category);
  return [...chosen.filter((other) => !isWithin(category, other) && !isWithin(other, category)), category];
}

/** What to offer for narrowing: the first level below `base`, and one more below whatever was chosen. */
export function offeredCategories<Counted extends { value: string }>(counted: readonly Counted[], base: string | null, chosen: readonly string[]): Counted[] {
  const depth = categoryPath(base ?? "").length + 1;
  const isOpen = (parent: string) => chosen.some((choice) => isWithin(choice, parent));
  const offered = counted.filter(({ value }) => {
    const path = categoryPath(value);
    if (base !== null && base !== "" && !isWithin(value, base)) return false;
    return path.length === depth || (path.length > depth && isOpen(joinCategory(path.slice(0, -1))));
  });
  return inTreeOrder(offered);
}

/** Each parent is followed by its children; otherwise as given. */
function inTreeOrder<Counted extends { value: string }>(counted: readonly Counted[]): Counted[] {
  const known = new Set(counted.map(({ value }) => value));
  const parentOf = (value: string) => joinCategory(categoryPath(value).slice(0, -1));
  const withChildren = (entry: Counted): Counted[] => [entry, ...counted.filter(({ value }) => parentOf(value) === entry.value).flatMap(withChildren)];
  return counted.filter(({ value }) => !known.has(parentOf(value))).flatMap(withChildren);
}

/** `pathname` as the browser has it, still encoded. A part that was cut in the middle of a code stays as it is. */
export function categoryFromPathname(pathname: string): string {
  return joinCategory(pathname.replace(/^\/shop\/?/, "").split("/").filter((part) => part !== "").map(decoded));
}

export function departmentOf(category: string | null | undefined): string | null {
  return categoryPath(category ?? "")[0] ?? null;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
