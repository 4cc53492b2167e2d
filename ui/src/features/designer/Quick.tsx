import { Button } from "@mantine/core";
import type { Fix } from "../editor/findings";
import { Findings } from "../projects/Findings";
import type { Finding } from "../projects/projects";
import css from "./designer.module.css";

/** As many have room; all of them stand below. */
const QUICK_MOST = 20;

/** What is wrong with what is drawn, with what can be done about it at once. */
export function Quick(props: {
  all: readonly { it: Finding; fix: Fix }[];
  onMend: (text: string) => void;
  onGo: (it: Finding) => void;
}) {
  const shown = props.all.slice(0, QUICK_MOST);
  if (shown.length === 0) return null;
  const fixes = new Map(shown.map(({ it, fix }) => [it, fix]));
  return (
    <section className={css.quick} aria-label="Quick fixes">
      <Findings
        all={shown.map(({ it }) => it)}
        about={(it) => (
          <Button onClick={() => props.onGo(it)}>
            Show<span className="hidden"> {it.path ?? it.file}</span>
          </Button>
        )}
        fix={(it) => {
          const fix = fixes.get(it);
          return fix && <Button onClick={() => props.onMend(fix.text())}>{fix.title}</Button>;
        }}
      />
    </section>
  );
}
