import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import css from "./hint.module.css";
import { useHint } from "./hints";

/** What one sees here, for who sees it for the first time; gone once it was read. */
export function Hint({ id, children }: { id: string; children: ReactNode }) {
  const [isShown, show] = useHint(id);
  if (!isShown) return null;
  return (
    <aside className={css.hint} aria-label="What you see">
      <div className="grow">{children}</div>
      <Button onClick={() => show(false)}>Got it</Button>
    </aside>
  );
}

/** Brings it back, where the page's actions stand. */
export function Explain({ id }: { id: string }) {
  const [isShown, show] = useHint(id);
  if (isShown) return null;
  return <Button onClick={() => show(true)}>What is this?</Button>;
}
