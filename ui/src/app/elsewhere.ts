// A log-in at the provider in a window of its own, so that the page stays as it is: the window that comes back from
// there hands over what it brought, and the page finishes the log-in. No session goes from one to the other.
import { answered, api } from "../api/client";
import { ofPage, Refusal } from "../api/problem";
import type { Brought } from "./brought";

const CHANNEL = "weir.log-in";
/** Which log-in a page waits for. */
const AWAITED = "weir.log-in.awaited";
const SIZE = "popup,width=520,height=720";
/** Whoever waits answers at once. */
const ANSWERED_WITHIN_MS = 1_000;

type Said = { brought: Brought } | { taken: string };

/** To be called from a click. Goes on until something came back or `signal` ends it. */
export async function broughtByWindow(signal: AbortSignal): Promise<Brought> {
  // Only a click opens one, so it is there before it is known where it goes.
  const opened = window.open("about:blank", "_blank", SIZE);
  if (!opened) {
    const hint = "Let this page open windows, and press it again.";
    throw new Refusal(ofPage("No window was opened", "The browser did not open one.", hint));
  }
  try {
    const { location } = await answered(api.POST("/api/v1/log-in/provider"));
    const state = new URL(location).searchParams.get("state") ?? "";
    localStorage.setItem(AWAITED, state);
    opened.location.assign(location);
    return await comesBack(state, signal);
  } catch (error) {
    opened.close();
    throw error;
  }
}

function comesBack(state: string, signal: AbortSignal): Promise<Brought> {
  return new Promise((done, fail) => {
    const channel = new BroadcastChannel(CHANNEL);
    const end = () => {
      channel.close();
      if (localStorage.getItem(AWAITED) === state) localStorage.removeItem(AWAITED);
    };
    channel.onmessage = ({ data }: MessageEvent<Said>) => {
      if (!("brought" in data) || data.brought.state !== state) return;
      channel.postMessage({ taken: state } satisfies Said);
      end();
      done(data.brought);
    };
    signal.addEventListener("abort", () => {
      end();
      fail(signal.reason);
    });
  });
}

/** In the window that came back: whether a page took over what it brought. */
export async function handedOver(brought: Brought): Promise<boolean> {
  if (localStorage.getItem(AWAITED) !== brought.state) return false;
  const channel = new BroadcastChannel(CHANNEL);
  const isTaken = await new Promise<boolean>((done) => {
    const timer = setTimeout(() => done(false), ANSWERED_WITHIN_MS);
    channel.onmessage = ({ data }: MessageEvent<Said>) => {
      if (!("taken" in data) || data.taken !== brought.state) return;
      clearTimeout(timer);
      done(true);
    };
    channel.postMessage({ brought } satisfies Said);
  });
  channel.close();
  return isTaken;
}
