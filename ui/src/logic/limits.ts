// How long what is sent may be: plain functions.
import { bytes } from "./format";

/** Why a file is not sent; nothing where it may be. */
export function tooLong(
  file: { name: string; size: number } | undefined,
  limit: number | null | undefined,
): string | undefined {
  if (!file || typeof limit !== "number" || file.size <= limit) return undefined;
  return `${file.name} has ${bytes(file.size)}, and this server takes at most ${bytes(limit)}`;
}
