// Letters as a file of JSON lines, as `weir dead-letter export` writes it.
import { answered, api, type Schemas } from "../../api/client";
import type { Chosen } from "./letters";

const PAGE = 500;
/** A browser holds them all at once. */
export const EXPORTED_MAX = 20_000;

/** Reads all that are chosen and hands them to the browser; tells how far it is. */
export async function exported(
  workflow: string,
  of: Chosen,
  tell: (count: number) => void,
): Promise<void> {
  const lines: string[] = [];
  let cursor: string | undefined;
  do {
    const query = {
      stage: of.stage,
      reason: of.reason,
      state: of.state as Schemas["LetterState"] | undefined,
      limit: PAGE,
      cursor,
    };
    const page = await answered(
      api.GET("/api/v1/workflows/{name}/dead-letters", {
        params: { path: { name: workflow }, query },
      }),
    );
    lines.push(...page.items.map((it) => JSON.stringify(it)));
    cursor = page.nextCursor ?? undefined;
    tell(lines.length);
  } while (cursor && lines.length < EXPORTED_MAX);
  save(`${workflow}-dead-letters.jsonl`, `${lines.join("\n")}\n`);
}

function save(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
