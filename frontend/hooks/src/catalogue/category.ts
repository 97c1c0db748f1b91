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
