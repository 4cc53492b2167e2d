import { useState } from "react";
import { connection, useLink } from "../live";
import { useNow } from "../logic/now";
import css from "./frame.module.css";

/** The server says something each 5 s: after that it is late. */
const LATE_MS = 6_500;

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  lost: "Reconnecting",
  refused: "Refused",
  paused: "Paused",
};

/** How current the page is; stops and starts it. */
export function LiveMark() {
  const { contact, heardAt } = useLink();
  const now = useNow();
  const age = Math.max(0, now - heardAt);
  const isLate = contact === "live" && age > LATE_MS;
  const tone =
    contact === "live" && !isLate
      ? "ok"
      : contact === "connecting" || contact === "paused"
        ? "info"
        : "warn";
  const seconds =
    heardAt > 0 && (isLate || contact === "lost")
      ? ` · heard ${Math.round(age / 1_000)} s ago`
      : "";
  const [isPaused, setPaused] = useState(false);
  const toggle = () => {
    connection.pause(!isPaused);
    setPaused(!isPaused);
  };
  return (
    <button
      type="button"
      id="live-mark"
      className={css.live}
      data-tone={tone}
      onClick={toggle}
      title={isPaused ? "Go on" : "Pause"}
    >
      <span aria-hidden="true">{contact === "paused" ? "⏸" : tone === "ok" ? "●" : "◐"}</span>
      {isLate ? "Late" : WORDS[contact]}
      {seconds}
    </button>
  );
}

/** Said once something was not heard for a while: numbers are those of then. */
export function StaleBanner() {
  const { contact, heardAt } = useLink();
  const now = useNow();
  const age = now - heardAt;
  if (contact === "paused" || heardAt === 0 || contact === "live" || age < 10_000) return null;
  return (
    <output className={css.banner}>
      The server was last heard {Math.round(age / 1_000)} s ago. What is shown is from then; the
      page goes on by itself.
    </output>
  );
}
