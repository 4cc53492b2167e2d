// What stands behind the `?` of an address: names and texts, as everybody else writes and reads it. Whatever looks like
// a number or a flag is a text still: `1.10` and `true` are names of deployments, too.

export const parseSearch = (search: string): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(search));

export function stringifySearch(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter(([, it]) => it !== undefined);
  const said = new URLSearchParams(given.map(([key, it]) => [key, String(it)])).toString();
  return said && `?${said}`;
}

/** The address of a view, whose names may have any characters. */
export const addressOf = (parts: TemplateStringsArray, ...names: string[]): string =>
  String.raw(parts, ...names.map(encodeURIComponent));

/** The path of an asset, as addresses have it: what is between the strokes may have any characters. */
export const pathed = (path: string): string => path.split("/").map(encodeURIComponent).join("/");
