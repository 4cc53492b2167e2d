// A text for the clipboard. Browsers give it to pages of this machine or over HTTPS alone: elsewhere the text is selected
// and copied as by hand, and where that is not let either, it is shown, to be copied by hand.
import { useEffect, useState } from "react";

/** How long it is said that it was copied. */
const SAID_MS = 1_000;

/** Whether it is in the clipboard now. */
export async function copied(text: string): Promise<boolean> {
  try {
    // Absent over plain HTTP by the name of a host, whatever the types say.
    await (navigator.clipboard as Clipboard | undefined)?.writeText(text);
    if (navigator.clipboard) return true;
  } catch {
    // It was not let: there is another way.
  }
  return bySelecting(text);
}

function bySelecting(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.setAttribute("aria-hidden", "true");
  field.style.position = "fixed";
  field.style.opacity = "0";
  // A dialog keeps the keyboard within itself.
  (before?.closest("[role=dialog]") ?? document.body).append(field);
  try {
    field.focus({ preventScroll: true });
    field.select();
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }
}

export interface Copy {
  /** It was copied just now. */
  isDone: boolean;
  /** It could not be: it is to be shown. */
  isRefused: boolean;
  copy: () => Promise<void>;
  close: () => void;
}

export function useCopy(text: string): Copy {
  const [state, setState] = useState<"done" | "refused">();
  useEffect(() => {
    if (state !== "done") return;
    const timer = setTimeout(() => setState(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return {
    isDone: state === "done",
    isRefused: state === "refused",
    copy: async () => setState((await copied(text)) ? "done" : "refused"),
    close: () => setState(undefined),
  };
}
