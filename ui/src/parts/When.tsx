import { end } from "../logic/ends";
import { ago, time } from "../logic/format";
import { useNow } from "../logic/now";
import { Mark } from "./State";

/** How long ago something was; the moment itself on demand. */
export function Ago({ at }: { at: string | number | null | undefined }) {
  const now = useNow();
  if (at === null || at === undefined) return <span className="muted">–</span>;
  const moment = typeof at === "number" ? at : Date.parse(at);
  return (
    <time dateTime={new Date(moment).toISOString()} title={new Date(moment).toISOString()}>
      {ago(now - moment)}
    </time>
  );
}

export function Moment({ at }: { at: string | null | undefined }) {
  if (!at) return <span className="muted">–</span>;
  return (
    <time className="mono" dateTime={at} title={at}>
      {time(at)}
    </time>
  );
}

/** When something ends, and whether that is soon. */
export function Ends({ at }: { at: string }) {
  const { tone, text } = end(Date.parse(at), useNow());
  return (
    <>
      <Moment at={at} />{" "}
      {tone === "ok" ? <span className="muted">{text}</span> : <Mark tone={tone}>{text}</Mark>}
    </>
  );
}
