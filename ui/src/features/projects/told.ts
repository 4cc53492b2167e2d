// That an asset was written, told to the other tabs of this browser at once. No topic of the live stream says it.

const CHANNEL = "weir.assets";

interface Told {
  project: string;
  path: string;
}

export function tellWritten(project: string, path: string): void {
  if (typeof BroadcastChannel === "undefined") return;
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage({ project, path } satisfies Told);
  channel.close();
}

/** Returns what ends it. */
export function onWritten(hear: (it: Told) => void): () => void {
  if (typeof BroadcastChannel === "undefined") return () => undefined;
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<Told>) => hear(data);
  return () => channel.close();
}
