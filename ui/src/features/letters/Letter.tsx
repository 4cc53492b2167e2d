import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { problemIn } from "../../api/problem";
import { bytes, count, plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { Facts, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { State } from "../../parts/State";
import { Moment } from "../../parts/When";
import { bytesOf, dump, lookName, type Letter as Shown } from "./letters";
import css from "./letters.module.css";

/** One letter: why, where its record stood, and the record itself, as text or byte by byte. */
export function Letter({
  workflow,
  letter: it,
  onReplay,
  onClose,
}: {
  workflow: string;
  letter: Shown;
  onReplay: () => void;
  onClose: () => void;
}) {
  const [isHex, setHex] = useState(it.rawBase64 !== undefined && it.rawBase64 !== null);
  const reveal = useMutation({
    mutationFn: () =>
      answered(
        api.POST("/api/v1/workflows/{name}/dead-letters:reveal", {
          params: { path: { name: workflow }, query: { id: it.id } },
        }),
      ),
  });
  const raw = bytesOf(reveal.data?.items[0] ?? it);
  // An id begins with that of its stream; the epoch of a live one and a number follow.
  const stream = it.id.slice(0, 36);
  return (
    <Panel
      title="Letter"
      side={
        <div className="row">
          <Act
            label="Replay …"
            claim="stream:control"
            not={
              it.isCut
                ? "Only the beginning of its record was kept"
                : it.state !== "waiting" && "It does not wait any more"
            }
            onAct={onReplay}
          />
          <CopyCli command={sh`weir dead-letter show ${workflow} ${it.id}`} />
          <Button onClick={onClose}>Close</Button>
        </div>
      }
    >
      <p className={css.reason}>{it.reason}</p>
      <Facts
        of={[
          ["State", <State key="s" name={lookName(it.state)} />],
          ["Stage", it.stage],
          ["Item", it.item],
          ["Record", `${count(it.position)} of its item`],
          ["Line", it.line && count(it.line)],
          ["Byte", it.offset !== undefined && it.offset !== null ? count(it.offset) : undefined],
          ["Since", <Moment key="a" at={it.at} />],
          ["Failed", plural(it.attempt, "time")],
          [
            "Stream",
            <Link key="st" to="/streams/$id" params={{ id: stream }} className="mono">
              {stream.slice(0, 13)}…
            </Link>,
          ],
          ["Replay", it.replay && <span className="mono">replay-{it.replay}</span>],
        ]}
      />
      <div className={css.record}>
        <div className="row">
          <h3>Record, {bytes(raw.length)}</h3>
          {it.isCut && <span className="muted small">only its beginning was kept</span>}
          {it.isMasked && !reveal.data && (
            <span className="muted small">without values of secrets</span>
          )}
          <div className="grow" />
          {it.isMasked && (
            <Act
              label="Reveal"
              claim="stream:reveal"
              not={
                reveal.data ? "It is shown as it is kept" : reveal.isPending && "It is asked for"
              }
              onAct={() => reveal.mutate()}
            />
          )}
          <Button onClick={() => setHex(!isHex)}>{isHex ? "As text" : "As bytes"}</Button>
        </div>
        {reveal.error && <ProblemView problem={problemIn(reveal.error)} />}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard */}
        <section tabIndex={0} aria-label="Record">
          <pre data-hex={isHex || undefined}>
            {isHex ? dump(raw) : new TextDecoder().decode(raw)}
          </pre>
        </section>
      </div>
    </Panel>
  );
}
