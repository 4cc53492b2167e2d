import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { place } from "../api/place";
import { connection, useLink } from "../live";
import { refusalOf, silentMs } from "../live/link";
import { duration } from "../logic/format";
import { useNow } from "../logic/now";
import { useFleet } from "../parts/useFleet";
import css from "./frame.module.css";

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  lost: "Reconnecting",
  refused: "Refused",
  paused: "Paused",
};

const TONES = {
  connecting: "info",
  live: "ok",
  lost: "warn",
  refused: "err",
  paused: "special",
};

const GLYPHS = { connecting: "◐", live: "●", lost: "◌", refused: "▲", paused: "⏸" };

/** How current the page is; stops and starts it. */
export function LiveMark() {
  const link = useLink();
  const silent = silentMs(link, useNow());
  const isLate = link.contact === "live" && silent !== undefined;
  const isPaused = link.contact === "paused";
  // The server is heard, and has nothing to tell of what the page is about.
  const isAway = useFleet().away !== undefined && link.contact === "live";
  return (
    <button
      type="button"
      id="live-mark"
      className={css.live}
      data-tone={isAway ? "err" : isLate ? "warn" : TONES[link.contact]}
      onClick={() => connection.pause(!isPaused)}
      title={isPaused ? "Go on" : "Pause"}
    >
      <span aria-hidden="true">{isAway || isLate ? "◌" : GLYPHS[link.contact]}</span>
      {isAway ? "Out of reach" : isLate ? "Late" : WORDS[link.contact]}
      {silent !== undefined && silent >= 1_000 && ` · ${duration(silent)}`}
    </button>
  );
}

/** Says that what is shown is not that of now, why, and what to do. */
export function StaleBanner() {
  const link = useLink();
  const silent = silentMs(link, useNow());
  const { away } = useFleet();
  if (link.contact === "paused")
    return (
      <Banner tone="special" verb="Go on" onDo={() => connection.pause(false)}>
        The page is held: what is shown is from{" "}
        {(silent ?? 0) < 1_000 ? "now" : `${duration(silent ?? 0)} ago`}.
      </Banner>
    );
  // The server of the page answers, and knows better.
  if (away)
    return (
      <Banner tone="err" verb="Try now" onDo={() => connection.again()}>
        The cluster{place.cluster && ` ${place.cluster}`} can’t be reached
        {away.urls.length > 1 && `, at none of ${away.urls.join(", ")}`}: {away.cause}.
        {silent !== undefined && ` What is shown of it is from ${duration(silent)} ago.`}{" "}
        <Link to="/fleet">The fleet</Link> says how it is reached.
      </Banner>
    );
  const refusal = refusalOf(link);
  if (refusal)
    return (
      <Banner tone="err" verb="Try now" onDo={() => connection.again()}>
        {place.cluster ? (
          <>
            Nothing is known of the cluster {place.cluster}: {refusal.detail}{" "}
            <Link to="/fleet">The fleet</Link> says how it is reached, and changes that.
          </>
        ) : (
          <>
            The server refuses to tell what changes: {refusal.detail} {refusal.hint}
          </>
        )}
      </Banner>
    );
  if (silent === undefined) return null;
  return (
    <Banner tone="warn" verb="Try now" onDo={() => connection.again()}>
      The server was last heard {duration(silent)} ago. What is shown is from then; the page goes on
      by itself.
    </Banner>
  );
}

function Banner(props: {
  tone: string;
  verb: string;
  onDo: () => void;
  children: React.ReactNode;
}) {
  return (
    <div className={css.banner} data-tone={props.tone}>
      <output className="grow">{props.children}</output>
      <Button onClick={props.onDo}>{props.verb}</Button>
    </div>
  );
}
