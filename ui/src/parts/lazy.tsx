// Parts of the page that are read from the server when they are shown, as `React.lazy` and the router have them;
// but those give up at once, and the router then sends the browser to an address that does not answer.
//
// - L1: while the server does not answer, the page stays where it is and says so; the part comes when it can be read.
// - L2: what a server of another version no longer has is got by reading the page anew, once.
import { createElement, type ReactNode, use, useEffect, useState } from "react";
import { UNREACHED } from "../api/problem";
import { ProblemView } from "./Problem";

type Part<P> = (props: P) => ReactNode;
type Lazy<P> = Part<P> & { preload: () => Promise<void> };

export function lazy<T extends Part<never>>(
  read: () => Promise<{ default: T }>,
): Lazy<Parameters<T>[0]> {
  type Props = Parameters<T>[0];
  let [found, reading, isMissed]: [Part<Props>?, Promise<void>?, boolean?] = [];
  const attempt = async () => {
    try {
      if (isMissed) await stylesAgain();
      found = (await read()).default as Part<Props>;
    } catch {
      isMissed = true;
    } finally {
      reading = undefined;
    }
  };
  const preload = () => {
    if (!found) reading ??= attempt();
    return reading ?? Promise.resolve();
  };
  const again = async () => {
    await preload();
    return found !== undefined;
  };
  function Later(props: Props) {
    const [, setRead] = useState(false);
    if (found) return createElement(found as Part<object>, props);
    if (isMissed) return <Missed again={again} onRead={() => setRead(true)} />;
    use(preload());
    return null;
  }
  return Object.assign(Later, { preload });
}

/** A view, by the name that its file gives it. */
export const lazyRouteComponent = <K extends string>(
  read: () => Promise<Record<NoInfer<K>, Part<object>>>,
  name: K,
) => lazy(async () => ({ default: (await read())[name] }));

const AGAIN_MS = 1_000;

function Missed({ again, onRead }: { again: () => Promise<boolean>; onRead: () => void }) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: it goes on until it is read
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAway = false;
    const attempt = async () => {
      const isRead = await again();
      if (isAway) return;
      if (isRead) onRead();
      else {
        if (await answers()) readPageAnew();
        if (!isAway) timer = setTimeout(() => void attempt(), AGAIN_MS);
      }
    };
    void attempt();
    return () => {
      isAway = true;
      clearTimeout(timer);
    };
  }, []);
  return <ProblemView problem={UNREACHED} />;
}

/** Whether there is somebody who could have told the part. */
const answers = () =>
  fetch(location.href, { cache: "no-store" }).then(
    (it) => it.ok,
    () => false,
  );

const ANEW = "weir.read-anew";
const ANEW_AGAIN_MS = 60_000;

/** Not again and again, should it not help. */
function readPageAnew(): void {
  const last = Number(sessionStorage.getItem(ANEW) ?? 0);
  if (Date.now() - last < ANEW_AGAIN_MS) return;
  sessionStorage.setItem(ANEW, String(Date.now()));
  location.reload();
}

/** A style sheet that did not come is asked for once only, unless its link is another one. */
async function stylesAgain(): Promise<void> {
  const links = document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet]");
  const missed = [...links].filter((it) => !it.sheet);
  const read = missed.map(
    (it) =>
      new Promise((done, fail) => {
        const next = it.cloneNode() as HTMLLinkElement;
        next.onload = done;
        next.onerror = fail;
        it.replaceWith(next);
      }),
  );
  await Promise.all(read);
}
