// Keys that do something wherever one is. None while something is typed.
import { useEffect } from "react";
import { VIEWS } from "./views";

export type Order =
  | { go: string }
  | { do: "palette" | "help" | "filter" | "pause" | "scheme" | "previous" | "next" };

/** How long the second key of a pair may take. */
const PAIR_MS = 1_200;

interface Pressed {
  key: string;
  isCommand: boolean;
  isTyping: boolean;
  at: number;
}

const SINGLE: Record<string, Order> = {
  "?": { do: "help" },
  "/": { do: "filter" },
  " ": { do: "pause" },
  D: { do: "scheme" },
  "[": { do: "previous" },
  "]": { do: "next" },
};

/** What a key means, given when `g` was pressed before; a pure function, and the time of a new `g`. */
export function read(it: Pressed, pairAt: number | undefined): { order?: Order; pairAt?: number } {
  if (it.isCommand) return it.key.toLowerCase() === "k" ? { order: { do: "palette" } } : {};
  if (it.isTyping) return {};
  if (pairAt !== undefined && it.at - pairAt <= PAIR_MS) {
    const view = VIEWS.find((view) => view.key === it.key);
    if (view) return { order: { go: view.path } };
  }
  if (it.key === "g") return { pairAt: it.at };
  return { order: SINGLE[it.key] };
}

export function useShortcuts(carryOut: (order: Order) => void): void {
  useEffect(() => {
    let pairAt: number | undefined;
    const onKey = (event: KeyboardEvent) => {
      // The code editor stands in a tree of its own.
      const target = (event.composedPath()[0] ?? event.target) as HTMLElement;
      const isField = target.matches(
        "input:not([type=checkbox]), textarea, select, [contenteditable=true]",
      );
      const isPressable =
        event.key === " " &&
        target.closest("button, a, [role=button], input, [tabindex='0']") !== null;
      const isCommand = event.ctrlKey || event.metaKey;
      if (event.altKey) return;
      const found = read(
        { key: event.key, isCommand, isTyping: isField || isPressable, at: event.timeStamp },
        pairAt,
      );
      pairAt = found.pairAt;
      // A dialog has keys of its own.
      const isInDialog = document.querySelector("[role=dialog]") !== null;
      if (!found.order || isInDialog) return;
      event.preventDefault();
      carryOut(found.order);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [carryOut]);
}
